//! Sending to a push service of the tests' own, which reads messages as a browser does.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod answers;
mod browser;
mod limits;
mod messages;
mod reach;
mod service;

use settee_push::{Config, Contact, Key, Reach, Sender};

const CONTACT: &str = "mailto:operator@example.org";

/// What tests send with.
fn config() -> Config {
    Config { reach: Reach::Loopback, ..Config::default() }
}

fn sender(config: Config) -> Sender {
    Sender::new(Key::random(), Contact::new(CONTACT).unwrap(), config)
}
