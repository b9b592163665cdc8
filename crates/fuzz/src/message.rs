//! Frames as they come from a socket.

use std::convert::Infallible;

use settee_store::{Operation, operation::transition};
use settee_sync::message::Message;

/// Takes the bytes for a frame, and does with the documents in it what a replica does.
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
            let (id, revisions) = (document.id.clone(), document.revisions.clone());
            let replicate = Operation::Replicate { id, revisions, acknowledges };
            let twice = vec![replicate.clone(), replicate];
            let Ok(done) = transition(twice, 0, |_| Ok::<_, Infallible>(None));
            for record in done.records {
                assert!(record.document().is_some(), "what was taken can be read");
                let again = minicbor::decode(&record.encode()).ok();
                assert_eq!(again.as_ref(), Some(&*record), "what is kept is read again");
            }
        }
    }
}
