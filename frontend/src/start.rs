//! Keeping the page's session open as long as the page lives.

use std::rc::Rc;

use leptos::prelude::*;
use settee::{Config, Obstacle, Opening};
use settee_app::{SessionSlot, settings};

use crate::session::{Session, Signals};

/// Opens what this device keeps, and opens it again whenever the browser has closed it.
pub async fn keep_open(slot: SessionSlot, signals: Signals) {
    let mut opening = Opening::new(Config::of_page());
    let tries = opening.tries();
    Effect::new(move |before: Option<()>| {
        slot.tries().track();
        if before.is_some() {
            tries.send_replace(());
        }
    });
    loop {
        if settings::is_forgetting() {
            // The page that comes after that opens what is there then.
            return slot.fail(Obstacle::Forgotten);
        }
        let start = async |settee| Session::start(settee, signals).await;
        let session = Rc::new(opening.open(start, |obstacle| slot.fail(obstacle)).await);
        slot.fill(session.clone());
        opening.closed().await;
        session.end();
    }
}
