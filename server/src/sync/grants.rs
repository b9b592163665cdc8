//! Who may do what on the channels of a connection: decided when they are opened, and again
//! whenever the policy says that something may have changed. Decisions don't wait for the
//! connection's jobs, and not for each other.

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{AbortHandle, Abortable, FuturesUnordered},
};
use settee_sync::{Access, Channel, Denial};

/// What has come of a grant.
pub enum Word<T> {
    /// A channel that was to be opened is decided on.
    Opened(T),
    /// What holds of a channel may have changed.
    Doubtful(Channel),
    /// It was decided on again.
    Decided(Channel, Result<Access, Denial>),
}

/// Decisions that are under way, and those that may come to be outdated.
pub struct Grants<T> {
    pending: FuturesUnordered<BoxFuture<'static, Word<T>>>,
    held: FuturesUnordered<Abortable<BoxFuture<'static, Channel>>>,
}

/// Ends with its value.
pub struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: 'static> Grants<T> {
    pub fn new() -> Self {
        Self { pending: FuturesUnordered::new(), held: FuturesUnordered::new() }
    }

    /// How many decisions are under way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    pub fn decide(&mut self, decision: impl Future<Output = Word<T>> + Send + 'static) {
        self.pending.push(Box::pin(decision));
    }

    /// Waits until what holds of the channel may have changed.
    pub fn watch(&mut self, channel: Channel, until: BoxFuture<'static, ()>) -> Watch {
        let (handle, registration) = AbortHandle::new_pair();
        let outdated: BoxFuture<'static, Channel> = Box::pin(async move {
            until.await;
            channel
        });
        self.held.push(Abortable::new(outdated, registration));
        Watch(handle)
    }

    /// Waits for word, for ever if nothing is under way. Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Word<T> {
        loop {
            tokio::select! {
                Some(word) = self.pending.next() => return word,
                Some(outdated) = self.held.next() => {
                    if let Ok(channel) = outdated {
                        return Word::Doubtful(channel);
                    }
                }
                else => std::future::pending().await,
            }
        }
    }
}
