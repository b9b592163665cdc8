//! Who may do what on the channels of a connection: decided when they are opened, and again
//! whenever the policy says that something may have changed. Decisions don't wait for the
//! connection's jobs, and not for each other.

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{AbortHandle, Abortable, FuturesUnordered},
};
use settee_sync::{Access, Channel, Denial};

use super::{authorize::Granted, news::Subscription};

/// What has come of a grant.
pub enum Word {
    /// A channel that was to be opened is decided on.
    Opened(Granted),
    /// What holds of a channel may have changed.
    Doubtful(Channel),
    /// It was decided on again.
    Decided(Channel, Result<Access, Denial>),
}

/// Decisions that are under way, and those that may come to be outdated.
#[derive(Default)]
pub struct Grants {
    pending: FuturesUnordered<BoxFuture<'static, Word>>,
    held: FuturesUnordered<Abortable<BoxFuture<'static, Channel>>>,
}

impl Grants {
    /// How many decisions are under way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    pub fn decide(&mut self, decision: impl Future<Output = Word> + Send + 'static) {
        self.pending.push(Box::pin(decision));
    }

    /// Waits until what holds of the channel may have changed.
    pub fn watch(&mut self, channel: Channel, until: BoxFuture<'static, ()>) -> Subscription {
        let (handle, registration) = AbortHandle::new_pair();
        let outdated: BoxFuture<'static, Channel> = Box::pin(async move {
            until.await;
            channel
        });
        self.held.push(Abortable::new(outdated, registration));
        Subscription(handle)
    }

    /// Waits for word, for ever if nothing is under way. Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Word {
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
