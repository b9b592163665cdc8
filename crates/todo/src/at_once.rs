//! For tests: databases in memory answer at once, and send each other what they have.

use std::task::{Context, Poll, Waker};

use settee_store::{Database, Operation, replication::Known};

pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let future = std::pin::pin!(future);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Sends all documents of one database to another, which may take them as the server's.
pub fn send(from: &Database, to: &Database, acknowledges: bool) {
    at_once(from.to_send(usize::MAX)).unwrap();
    let records = at_once(from.changes(0, usize::MAX)).unwrap();
    let documents = records.iter().filter_map(|it| it.outgoing_since(Known::Until(0), |_| false));
    let take = |document| Operation::Replicate { document, acknowledges };
    at_once(to.commit(documents.map(take).collect())).unwrap();
}
