//! Frames, as they come from a socket.

use settee_store::Operation;
use settee_sync::message::Message;

use crate::place::Only;

/// Interprets the bytes as a frame, and commits its documents as a replica does.
pub fn message(data: &[u8]) {
    let Ok(Some(message)) = Message::decode(data) else {
        return;
    };
    let frame = message.encode();
    assert_eq!(Message::decode(&frame), Ok(Some(message.clone())), "what is written is read");
    let Message::Changes(changes) = message else {
        return;
    };
    for document in changes.documents.into_iter().filter_map(|document| document.verify().ok()) {
        for acknowledges in [false, true] {
            let document = document.clone();
            let replicate = Operation::Replicate { document, acknowledges };
            let twice = vec![replicate.clone(), replicate];
            for record in Only(None).after(twice, 0).records {
                assert!(record.document().is_some(), "what was taken can be read");
                let again = minicbor::decode(&record.encode()).ok();
                assert_eq!(again.as_ref(), Some(&*record), "what is kept is read again");
            }
        }
    }
}
