//! Who has the list on the screen, told both ways.

use std::rc::Rc;

use leptos::prelude::*;
use settee::{Presence, leptos::follow_each};

use crate::{session::Signals, shown::Shown};

/// Shows the others on the list on the screen what `here` says, and writes down what they say.
pub fn meet(
    shown: Rc<Shown>,
    signals: Signals,
    here: RwSignal<Option<Vec<u8>>>,
    others: RwSignal<Vec<Vec<u8>>>,
) {
    let list = Memo::new(move |_| {
        let id = |list: &settee_app::CurrentList| (!list.is_revoked).then(|| list.id.clone());
        signals.current.with(|list| list.as_ref().and_then(id))
    });
    Effect::new(move |before: Option<Option<Presence>>| {
        if let Some(Some(before)) = before {
            before.show(None);
        }
        others.try_set(Vec::new());
        list.get()?;
        let presence = shown.list()?.list.presence();
        let mut told = presence.others();
        follow_each(
            async move || told.next().await,
            move |told| {
                others.try_set(told);
            },
        );
        let to_others = presence.clone();
        Effect::new(move || {
            // What doesn't fit isn't shown.
            to_others.show(here.try_get().flatten());
        });
        Some(presence)
    });
}
