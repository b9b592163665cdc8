//! Records of a browser's log as they come from its disk.

use settee_store::backend::batch::{Batch, to_bytes};

/// Takes the bytes for what a commit has changed: what can be read of them is written and read again.
pub fn batch(data: &[u8]) {
    let batch = Batch::from_bytes(data);
    let kept = batch.unreadable.iter().map(Vec::len).sum::<usize>();
    assert!(kept <= 2 * data.len(), "what can't be read is set aside once");
    let bytes = to_bytes(batch.seq, &batch.records, &batch.locals);
    assert_eq!(Batch::from_bytes(&bytes), Batch { unreadable: Vec::new(), ..batch });
}
