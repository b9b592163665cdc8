//! Opening what a device keeps, as often as that takes, and again when it was closed underneath.
//!
//! "It can't be opened" is never taken for "it is empty": whatever is in the way is told, and opening
//! is tried again until it succeeds.

use std::{collections::BTreeMap, time::Duration};

use settee_client::runtime::sleep;
use tokio::sync::watch;

use crate::{Config, Error, Kept, Obstacle, Settee};

/// How long opening may take at first, before that is told and it is tried anew. The time doubles
/// with each attempt, since a large database on a slow device may need it.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_LIMIT: Duration = Duration::from_secs(80);
/// The pause after a failure. It doubles, too.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_LIMIT: Duration = Duration::from_secs(15);

/// Opens what a device keeps, again and again as long as the program runs.
///
/// ```no_run
/// # async fn run() {
/// use settee::{Config, Opening};
///
/// let mut opening = Opening::new(Config::at("wss://notes.example/sync"));
/// loop {
///     let start = async |settee: settee::Settee| settee.open("notes/7", b"open sesame").await;
///     let notes = opening.open(start, |obstacle| println!("{obstacle:?}")).await;
///     // … shows them …
///     opening.closed().await;
///     // Opened anew, it is another handle.
///     drop(notes);
/// }
/// # }
/// ```
pub struct Opening {
    config: Config,
    tries: watch::Sender<()>,
    open: Option<Open>,
    /// What was kept when it was last closed underneath.
    known: BTreeMap<String, Kept>,
}

struct Open {
    settee: Settee,
    kept: watch::Receiver<BTreeMap<String, Kept>>,
}

impl Opening {
    /// Nothing is opened yet.
    pub fn new(config: Config) -> Self {
        let tries = watch::Sender::new(());
        Self { config, tries, open: None, known: BTreeMap::new() }
    }

    /// Whoever sends on this asks to try again at once: an app has a button for that.
    pub fn tries(&self) -> watch::Sender<()> {
        self.tries.clone()
    }

    /// Tries until it succeeds, and tells each obstacle that is in the way. `start` is what the app
    /// needs to be open: it is part of each attempt, and is given up like it when it takes too long.
    ///
    /// What was kept when it was last [closed](Opening::closed) and is gone is kept again before.
    pub async fn open<T>(
        &mut self,
        start: impl AsyncFn(Settee) -> Result<T, Error>,
        mut tell: impl FnMut(Obstacle),
    ) -> T {
        let mut tries = self.tries.subscribe();
        let (mut patience, mut pause) = (PATIENCE, PAUSE);
        loop {
            tries.borrow_and_update();
            let obstacle = tokio::select! {
                opened = self.attempt(&start) => match opened {
                    Ok((open, started)) => {
                        self.open = Some(open);
                        return started;
                    }
                    Err(error) => (&error).into(),
                },
                () = sleep(patience) => Obstacle::Slow,
                Ok(()) = tries.changed() => continue,
            };
            tell(obstacle);
            patience = (2 * patience).min(PATIENCE_LIMIT);
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = tries.changed() => {}
            }
            pause = (2 * pause).min(PAUSE_LIMIT);
        }
    }

    async fn attempt<T>(
        &self,
        start: impl AsyncFn(Settee) -> Result<T, Error>,
    ) -> Result<(Open, T), Error> {
        let settee = Settee::start(self.config.clone()).await?;
        settee.keep_again(&self.known).await?;
        let started = start(settee.clone()).await?;
        let kept = settee.watch_kept().await?;
        Ok((Open { settee, kept }, started))
    }

    /// Waits until the device's storage is closed underneath: see [`Settee::closed`]. Then it is time
    /// to open it again, which keeps again what was kept.
    pub async fn closed(&mut self) {
        let Some(Open { settee, kept }) = &self.open else { return };
        settee.closed().await;
        // A browser's can still be read from memory.
        self.known = match settee.kept().await {
            Ok(known) => known,
            Err(_) => kept.borrow().clone(),
        };
        self.open = None;
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod tests {
    use std::{future::pending, io, sync::Mutex};

    use settee_client::stream::StreamConnector;
    use settee_store::BackendError;
    use tokio::{
        io::DuplexStream,
        time::{Instant, timeout},
    };

    use super::*;
    use crate::{
        config::Place,
        profile::{device::InMemory, home::HOME},
    };

    /// A device that never reaches a server, with its memory.
    pub fn offline() -> (Config, InMemory) {
        let connect = pending::<io::Result<DuplexStream>>;
        let memory = InMemory::default();
        let place = Place::Memory(memory.clone());
        (Config { place, ..Config::over(StreamConnector::new(connect)) }, memory)
    }

    /// Keeps a database, as each start of an app does. Takes its first credentials only if there are none.
    async fn keep_notes(settee: &Settee, credentials: &[u8]) -> Result<(), Error> {
        settee.keep("notes", Kept::new("notes", credentials)).await.map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_is_told_and_opening_is_tried_until_it_succeeds() {
        let (config, _memory) = offline();
        let failures = Mutex::new(vec![BackendError::Newer, BackendError::Full]);
        let start = async |settee: Settee| match failures.lock().unwrap().pop() {
            Some(error) => Err(Error::from(error)),
            None => Ok(settee),
        };
        let mut told = Vec::new();
        let began = Instant::now();
        let mut opening = Opening::new(config);
        opening.open(start, |obstacle| told.push(obstacle)).await;
        assert_eq!(told, [Obstacle::Full, Obstacle::Newer]);
        assert_eq!(began.elapsed(), PAUSE + 2 * PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storage_that_does_not_answer_is_told_and_given_more_time() {
        let (config, memory) = offline();
        // It takes longer than the first attempt's patience, and less than the second one's.
        let slow = PATIENCE + PATIENCE / 2;
        memory.database(HOME).hold_calls(move |_| Box::pin(sleep(slow)));
        let mut told = Vec::new();
        let start = async |_| Ok(());
        let mut opening = Opening::new(config);
        let opened = opening.open(start, |obstacle| told.push(obstacle));
        timeout(PATIENCE_LIMIT, opened).await.expect("it opens");
        assert_eq!(told, [Obstacle::Slow]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_is_not_kept_waiting() {
        let (config, memory) = offline();
        let home = memory.database(HOME);
        home.fail_with(Some(BackendError::Closed));
        let mut opening = Opening::new(config);
        let tries = opening.tries();
        let began = Instant::now();
        let start = async |settee: Settee| keep_notes(&settee, b"one").await;
        let tell = |obstacle| {
            assert_eq!(obstacle, Obstacle::OtherTab);
            home.fail_with(None);
            let tries = tries.clone();
            tokio::spawn(async move { tries.send_replace(()) });
        };
        opening.open(start, tell).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_kept_is_kept_again_after_the_storage_was_cleared() {
        let (config, memory) = offline();
        let mut opening = Opening::new(config);
        let start = async |settee: Settee| keep_notes(&settee, b"mine").await.map(|()| settee);
        let settee = opening.open(start, |_| {}).await;
        memory.clear();
        opening.closed().await;
        drop(settee);
        let start = async |settee: Settee| keep_notes(&settee, b"new").await.map(|()| settee);
        let settee = opening.open(start, |_| {}).await;
        assert_eq!(settee.kept().await.unwrap()["notes"].credentials[0].0, b"mine");
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_database_that_is_closed_is_enough_unless_it_is_forgotten() {
        let (config, memory) = offline();
        let mut opening = Opening::new(config.clone());
        let start = async |settee: Settee| {
            keep_notes(&settee, b"mine").await?;
            settee.keep("draft", Kept::new("draft", b"mine")).await?;
            Ok((settee.database("notes").await?, settee.database("draft").await?, settee))
        };
        let (notes, draft, settee) = opening.open(start, |_| {}).await;
        settee.forget("draft").await.unwrap();
        let mut status = draft.status();
        while status.changed().await.is_ok() {}
        // All that could be told has been told.
        assert!(timeout(PATIENCE, opening.closed()).await.is_err());
        memory.database("notes").close();
        timeout(PATIENCE, opening.closed()).await.expect("it is told");
        // What another tab forgets meanwhile isn't kept again.
        Settee::start(config).await.unwrap().forget("notes").await.unwrap();
        let kept = opening.open(async |settee: Settee| settee.kept().await, |_| {}).await;
        assert!(kept.is_empty(), "{kept:?}");
        drop(notes);
    }
}
