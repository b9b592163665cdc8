//! Flags and environment variables for notices by Web Push.

use std::{path::Path, time::Duration};

use clap::Args;
use settee::server::Timing;
use settee_push::{Config, Contact, ContactError, Key, KeyError, Reach, Sender};

/// Where in the data folder the key is, to which all subscriptions belong.
const KEY_FILE: &str = "push-key";

/// How many notices are on their way at a time, so that some slow services don't hold up the others.
const AT_ONCE: usize = 64;

/// Whether, and how, devices are told of changes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notices by Web Push")]
pub struct PushFlags {
    /// Where those who run push services can reach you: mailto:… or https://…; without it, no device is told
    /// of changes
    #[arg(long = "push-contact", env = "SETTEE_PUSH_CONTACT", value_name = "ADDRESS", value_parser = contact)]
    contact: Option<Contact>,

    /// How long after a change devices are told, with what has followed, in seconds [default: 15]
    #[arg(long = "push-gather", env = "SETTEE_PUSH_GATHER", value_name = "SECONDS")]
    gather: Option<u32>,

    /// How long nothing more is told of a list after that, in seconds [default: 60]
    #[arg(long = "push-rest", env = "SETTEE_PUSH_REST", value_name = "SECONDS")]
    rest: Option<u32>,

    /// Send to services on this machine, too, as tests have them
    #[arg(long = "push-local", env = "SETTEE_PUSH_LOCAL")]
    local: bool,
}

fn contact(address: &str) -> Result<Contact, ContactError> {
    Contact::new(address)
}

impl PushFlags {
    /// Who sends notices, and when; `None` if nobody does. The key is made if there is none.
    pub fn courier(&self, data: &Path) -> Result<Option<(Sender, Timing)>, KeyError> {
        let Some(contact) = self.contact.clone() else { return Ok(None) };
        let key = Key::load_or_create(&data.join(KEY_FILE))?;
        let reach = if self.local { Reach::Loopback } else { Reach::Public };
        let sender =
            Sender::new(key, contact, Config { reach, at_once: AT_ONCE, ..Config::default() });
        let usual = Timing::default();
        let seconds = |flag: Option<u32>, usual| {
            flag.map_or(usual, |seconds| Duration::from_secs(seconds.into()))
        };
        let gather = seconds(self.gather, usual.gather);
        let timing = Timing { gather, rest: seconds(self.rest, usual.rest) };
        Ok(Some((sender, timing)))
    }
}
