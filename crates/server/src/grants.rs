//! Who may do what on the channels of a connection. This is decided when they are opened, and again
//! whenever the policy says that something may have changed. Decisions wait neither for the
//! connection's jobs nor for each other.

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{AbortHandle, Abortable, FuturesUnordered},
};
use settee_sync::{Channel, Denial};

use crate::{authorize::Decided, news::Subscription, policy::Access, shared::Ruling};

/// What has happened to a grant.
pub enum GrantEvent {
    /// A channel that was to be opened is decided on.
    Opened(Decided),
    /// The grant of a channel may have changed: decide again.
    Recheck(Channel),
    /// It was decided on again.
    Rechecked(Channel, Result<(Access, Ruling), Denial>),
}

/// Decisions that are under way, and grants that may change.
#[derive(Default)]
pub struct Grants {
    deciding: FuturesUnordered<BoxFuture<'static, GrantEvent>>,
    watched: FuturesUnordered<Abortable<BoxFuture<'static, Channel>>>,
}

impl Grants {
    /// How many decisions are under way.
    pub fn deciding(&self) -> usize {
        self.deciding.len()
    }

    /// Takes a decision to be waited for.
    pub fn decide(&mut self, decision: impl Future<Output = GrantEvent> + Send + 'static) {
        self.deciding.push(Box::pin(decision));
    }

    /// Waits until the channel's grant may have changed.
    pub fn watch(&mut self, channel: Channel, until: BoxFuture<'static, ()>) -> Subscription {
        let (handle, registration) = AbortHandle::new_pair();
        let outdated: BoxFuture<'static, Channel> = Box::pin(async move {
            until.await;
            channel
        });
        self.watched.push(Abortable::new(outdated, registration));
        Subscription(handle)
    }

    /// Waits for an event; if nothing is under way, it never returns. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> GrantEvent {
        loop {
            tokio::select! {
                Some(event) = self.deciding.next() => return event,
                Some(outdated) = self.watched.next() => {
                    if let Ok(channel) = outdated {
                        return GrantEvent::Recheck(channel);
                    }
                }
                else => std::future::pending().await,
            }
        }
    }
}
