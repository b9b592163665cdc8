//! Records of a browser's log, as they are read from its disk.

use settee_store::backend::batch::{Batch, to_bytes};

/// Interprets the bytes as the changes of a commit. What can be read of them must survive writing.
pub fn batch(data: &[u8]) {
    let batch = Batch::from_bytes(data);
    let kept = batch.unreadable.iter().map(Vec::len).sum::<usize>();
    assert!(kept <= 2 * data.len(), "what can't be read is set aside once");
    let bytes = to_bytes(batch.seq, &batch.records, &batch.locals);
    assert_eq!(Batch::from_bytes(&bytes), Batch { unreadable: Vec::new(), ..batch });
}
