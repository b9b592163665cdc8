//! Notices by Web Push.

use settee_push::{Options, SendError, Sender, Subscription};
use settee_store::backend::BoxFuture;

use crate::notices::{Courier, Undelivered};

/// An address is what a page's `PushSubscription` says of itself in JSON, and the key is what it subscribes with: its
/// `applicationServerKey`.
impl Courier for Sender {
    fn key(&self) -> String {
        self.public_key()
    }

    fn check(&self, address: &str) -> Result<String, String> {
        serde_json::to_string(&subscription(self, address)?).map_err(|error| error.to_string())
    }

    fn bring<'a>(
        &'a self,
        address: &'a str,
        notice: &'a [u8],
    ) -> BoxFuture<'a, Result<(), Undelivered>> {
        Box::pin(async move {
            let subscription = subscription(self, address).map_err(Undelivered::Refused)?;
            let sent = self.send(&subscription, notice, &Options::default()).await;
            sent.map_err(|error| match error {
                SendError::Gone => Undelivered::Gone,
                SendError::Later(pause) => Undelivered::Later(pause),
                other => Undelivered::Refused(other.to_string()),
            })
        })
    }
}

fn subscription(sender: &Sender, address: &str) -> Result<Subscription, String> {
    let subscription = Subscription::from_json_within(address.as_bytes(), sender.reach());
    subscription.map_err(|error| error.to_string())
}
