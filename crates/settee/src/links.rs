//! What becomes of links to databases.
//!
//! The secret of a link stays where it is until the device keeps it for good. Where that can't be, a
//! person has to keep the link.

use settee_keys::{
    DatabaseId,
    link::{Address, Place, Secret},
};
#[cfg(feature = "client")]
use settee_store::BackendError;

#[cfg(feature = "client")]
use crate::{Error, Settee};

/// What there is to say of the link that a page was opened with, or that was opened in it later.
/// Apps make their sentences of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// There is none, or the device keeps what it opens.
    Good,
    /// The same, and the device didn't have this database before.
    Joined(DatabaseId),
    /// The device shares a home with others now, and didn't before.
    JoinedHome,
    /// It was cut or twisted.
    Broken,
    /// The device doesn't keep it, or not yet. This is the whole link.
    NotKept(String),
    /// The same of the link that makes the device share a home.
    HomeNotKept(String),
    /// The same of a link that lets the device bring databases to the server.
    PermitNotKept(String),
}

impl LinkState {
    /// What there is to say of a link, which says this.
    pub fn of(outcome: LinkOutcome, address: &Address, link: String) -> Self {
        match outcome {
            LinkOutcome::Joined => match &address.place {
                _ if matches!(address.secret, Secret::Home(_)) => Self::JoinedHome,
                Place::Database(id) => Self::Joined(id.clone()),
                _ => Self::Good,
            },
            LinkOutcome::Kept => Self::Good,
            LinkOutcome::Broken => Self::Broken,
            LinkOutcome::NotYet | LinkOutcome::Never => match &address.secret {
                Secret::Permit(_) => Self::PermitNotKept(link),
                Secret::Home(_) => Self::HomeNotKept(link),
                _ => Self::NotKept(link),
            },
        }
    }
}

/// What a device has made of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The device keeps for good what it opens, or there is nothing that it could open.
    Kept,
    /// The device keeps for good what it opens, and didn't have it before.
    Joined,
    /// It was cut or twisted, and opens nothing.
    Broken,
    /// The device has it in memory, and tries by itself to write it down.
    NotYet,
    /// The device can keep nothing.
    Never,
}

#[cfg(feature = "client")]
impl Settee {
    /// Keeps what a link opens: see [`Settee::join`], [`Settee::join_home`] and [`Settee::keep_permit`]. To see what has become
    /// of it since, take it in again, after each change of [`Settee::unsaved`].
    pub async fn take_in(&self, address: &Address) -> Result<LinkOutcome, Error> {
        let (name, joined) = match (&address.place, &address.secret) {
            (Place::Database(id), Secret::Token(token)) => {
                (id.to_string(), self.join(id, token.clone()).await)
            }
            (_, Secret::Home(token)) => (token.home_name(), self.join_home(token).await),
            (_, Secret::Permit(permit)) => {
                return Ok(match self.keep_permit(permit).await {
                    Ok(()) if self.is_in_memory() => LinkOutcome::Never,
                    Ok(()) => LinkOutcome::Kept,
                    Err(_) => LinkOutcome::NotYet,
                });
            }
            _ if address.is_broken() => return Ok(LinkOutcome::Broken),
            _ => return Ok(LinkOutcome::Kept),
        };
        match joined {
            Ok(true) if self.is_saved(&name) => Ok(LinkOutcome::Joined),
            Ok(false) if self.is_saved(&name) => Ok(LinkOutcome::Kept),
            Ok(_) if self.is_in_memory() => Ok(LinkOutcome::Never),
            Ok(_) => Ok(LinkOutcome::NotYet),
            Err(Error::Backend(BackendError::Blocked)) => Ok(LinkOutcome::Never),
            Err(error) => Err(error),
        }
    }
}

#[cfg(all(test, feature = "client", not(target_arch = "wasm32")))]
mod tests {
    use std::collections::BTreeMap;

    use settee_keys::{LinkFormat, Token};
    use settee_store::Memory;

    use super::*;
    use crate::{Kept, profile::opening::tests::offline};

    const NOTES: LinkFormat = LinkFormat::new("/notes/");

    /// A device, its home, and a link that somebody has shared with it.
    async fn device() -> (Settee, Memory, Address) {
        let (config, memory) = offline();
        let settee = Settee::start(config).await.expect("memory opens");
        let owner = Token::generate();
        let link = NOTES.invitation("", &owner.database_id(), &owner.editor(0));
        let (path, fragment) = link.split_at(link.find('#').expect("it has a secret"));
        (settee, memory.database("home"), NOTES.read(path, fragment))
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_is_kept_for_good_as_soon_as_there_is_room() {
        let (settee, home, link) = device().await;
        home.fail_with(Some(BackendError::Full));
        assert_eq!(settee.take_in(&link).await.unwrap(), LinkOutcome::NotYet);
        assert_eq!(settee.kept().await.unwrap().len(), 1, "it can be used meanwhile");
        home.fail_with(None);
        settee.unsaved().wait_for(BTreeMap::is_empty).await.unwrap();
        assert_eq!(settee.take_in(&link).await.unwrap(), LinkOutcome::Kept);
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_joins_once() {
        let (settee, _, link) = device().await;
        let Place::Database(id) = &link.place else { panic!("it names a database") };
        let outcome = settee.take_in(&link).await.unwrap();
        let state = LinkState::of(outcome, &link, "it".to_owned());
        assert_eq!((outcome, state), (LinkOutcome::Joined, LinkState::Joined(id.clone())));
        assert_eq!(settee.take_in(&link).await.unwrap(), LinkOutcome::Kept);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_is_one_more_token_for_what_the_device_keeps_already() {
        let (settee, _, link) = device().await;
        let Place::Database(id) = &link.place else { panic!("it names a database") };
        let viewer = Token::generate();
        settee.keep("mine", Kept::new(id.as_str(), *viewer.as_bytes())).await.unwrap();
        assert_eq!(settee.take_in(&link).await.unwrap(), LinkOutcome::Kept);
        let kept = settee.kept().await.unwrap();
        assert_eq!((kept.len(), kept["mine"].credentials.len()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_can_be_kept_a_link_never_is() {
        let (settee, home, link) = device().await;
        home.fail_with(Some(BackendError::Blocked));
        assert_eq!(settee.take_in(&link).await.unwrap(), LinkOutcome::Never);
        // Any other failure is one that opening may pass.
        home.fail_with(Some(BackendError::Closed));
        settee.take_in(&link).await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_is_not_kept_is_told_as_one() {
        let (settee, home, link) = device().await;
        let permit = NOTES.read("/", &format!("#c={}", Token::generate()));
        home.fail_with(Some(BackendError::Full));
        let mut told = Vec::new();
        for address in [link, permit] {
            let outcome = settee.take_in(&address).await.unwrap();
            told.push(LinkState::of(outcome, &address, "it".to_owned()));
        }
        let it = || "it".to_owned();
        assert_eq!(told, [LinkState::NotKept(it()), LinkState::PermitNotKept(it())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_link_is_known_as_such_and_an_address_without_secret_is_none() {
        let (settee, ..) = device().await;
        let cut = NOTES.read("/notes/nonsense", "#k=short");
        assert_eq!(settee.take_in(&cut).await.unwrap(), LinkOutcome::Broken);
        assert_eq!(settee.take_in(&NOTES.read("/", "")).await.unwrap(), LinkOutcome::Kept);
        assert!(settee.kept().await.unwrap().is_empty());
    }
}
