//! Notifications on the channels of a connection: of changes to their databases, and what else may be followed.
//! Several changes between two polls become one notification.

use futures_util::{
    Stream, StreamExt,
    stream::{self, AbortHandle, Abortable, BoxStream, SelectAll},
};
use settee_sync::Channel;
use tokio::sync::watch;

/// A channel, and the sequence of its database; `None` if the database was closed.
pub type Change = (Channel, Option<u64>);

/// Changes to databases.
pub type News = Sources<Change>;

/// What is followed, each with a [`Subscription`].
pub struct Sources<T>(SelectAll<Abortable<BoxStream<'static, T>>>);

impl<T> Default for Sources<T> {
    fn default() -> Self {
        Self(SelectAll::new())
    }
}

/// Stops what it stands for when it is dropped.
pub struct Subscription(pub AbortHandle);

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: 'static> Sources<T> {
    /// Follows one more.
    pub fn add(&mut self, source: impl Stream<Item = T> + Send + 'static) -> Subscription {
        let (source, handle) = stream::abortable(source.boxed());
        self.0.push(source);
        Subscription(handle)
    }

    /// Waits for a change; if nothing is followed, it never returns. Dropping the future loses nothing.
    pub async fn next(&mut self) -> T {
        match self.0.next().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

impl News {
    /// Notifies of the sequence as it is now, and of each change. `None` comes last: the database
    /// was closed.
    pub fn follow(&mut self, channel: Channel, mut sequence: watch::Receiver<u64>) -> Subscription {
        sequence.mark_changed();
        let changes = stream::unfold(Some(sequence), move |sequence| async move {
            let mut sequence = sequence?;
            if sequence.changed().await.is_err() {
                return Some(((channel, None), None));
            }
            let seq = *sequence.borrow_and_update();
            Some(((channel, Some(seq)), Some(sequence)))
        });
        self.add(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn changes_are_told_once_and_to_followers_only() {
        let (one, receiver) = watch::channel(0);
        let mut news = News::default();
        let first = news.follow(1, receiver);
        let second = news.follow(2, one.subscribe());
        drop(first);
        one.send_replace(1);
        one.send_replace(2);
        assert_eq!(news.next().await, (2, Some(2)));
        assert!(news.next().now_or_never().is_none());
        drop(second);
        one.send_replace(3);
        assert!(news.next().now_or_never().is_none());
        assert_eq!(one.receiver_count(), 0);
    }

    #[tokio::test]
    async fn followers_hear_of_the_end() {
        let (one, receiver) = watch::channel(0);
        let mut news = News::default();
        let _followed = news.follow(1, receiver);
        assert_eq!(news.next().await, (1, Some(0)));
        drop(one);
        assert_eq!(news.next().await, (1, None));
        assert!(news.next().now_or_never().is_none());
    }
}
