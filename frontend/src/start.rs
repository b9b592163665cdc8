//! Opening what this device keeps, and opening it again when the browser has closed it.
//!
//! "It can't be opened" is never taken for "it is empty": whatever is in the way is shown, and opening
//! is tried again until it succeeds.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use leptos::prelude::*;
use settee::{Error, client::runtime::sleep};
use settee_app::{Obstacle, SessionSlot};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    page,
    session::{Session, Signals},
};

/// How long opening may take at first, before the page says so and it is tried anew. The time doubles
/// with each attempt, since a large list on a slow device may need it.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_LIMIT: Duration = Duration::from_secs(80);
/// The pause after a failure. It doubles, too.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_LIMIT: Duration = Duration::from_secs(15);

/// Keeps the page's session open as long as the page lives.
pub async fn keep_open(slot: SessionSlot, signals: Signals) {
    let session: Rc<RefCell<Option<Rc<Session>>>> = Rc::default();
    follow_links(&session);
    let tries = watch_tries(slot);
    let mut known = BTreeMap::new();
    loop {
        let started = Rc::new(open(slot, signals, &known, tries.clone()).await);
        session.replace(Some(started.clone()));
        slot.fill(started.clone());
        started.closed().await;
        // What it kept can still be read from memory.
        known = started.end().await;
    }
}

/// Tries until it succeeds.
async fn open(
    slot: SessionSlot,
    signals: Signals,
    known: &BTreeMap<String, settee::Kept>,
    mut tries: watch::Receiver<()>,
) -> Session {
    let (mut patience, mut pause) = (PATIENCE, PAUSE);
    loop {
        tries.borrow_and_update();
        let obstacle = tokio::select! {
            started = Session::start(signals, known) => match started {
                Ok(session) => return session,
                Err(error) => obstacle(&error),
            },
            () = sleep(patience) => Obstacle::Slow,
            Ok(()) = tries.changed() => continue,
        };
        slot.fail(obstacle);
        patience = (2 * patience).min(PATIENCE_LIMIT);
        tokio::select! {
            () = sleep(pause) => {}
            Ok(()) = tries.changed() => {}
        }
        pause = (2 * pause).min(PAUSE_LIMIT);
    }
}

fn obstacle(error: &Error) -> Obstacle {
    match error {
        Error::Backend(error) => error.into(),
        error => Obstacle::Failed(error.to_string()),
    }
}

/// Word of each time that somebody asks to try again.
fn watch_tries(slot: SessionSlot) -> watch::Receiver<()> {
    let (sender, receiver) = watch::channel(());
    Effect::new(move |before: Option<()>| {
        slot.tries().track();
        if before.is_some() {
            sender.send_replace(());
        }
    });
    receiver
}

/// A link that is pasted into the address bar of this page changes the fragment only.
fn follow_links(session: &Rc<RefCell<Option<Rc<Session>>>>) {
    let session = session.clone();
    page::on_other_fragment(move || {
        // Before the first session there is nothing to do: starting reads the address.
        let Some(session) = session.borrow().clone() else { return };
        spawn_local(async move { session.take_link().await });
    });
}
