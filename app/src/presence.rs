//! Who has the list on the screen, here and elsewhere.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use settee_todo::presence::Person;

use crate::opened::Opened;
use crate::session::{Command, SessionSlot};
use crate::settings;

/// After how long somebody who does nothing counts as idle.
const IDLE: Duration = Duration::from_mins(1);

/// Shows those who have the same list on the screen who is here, as long as the component lives. Returns
/// who they are. `name` is what the person here wants to be called.
pub fn follow(session: SessionSlot, opened: Opened, name: RwSignal<String>) -> Memo<Vec<Person>> {
    let (here, others) = (RwSignal::new(None), RwSignal::new(Vec::<Vec<u8>>::new()));
    let (is_visible, is_idle) = (is_visible(), is_idle());
    // Another tab may have been told another name.
    let listener = window_event_listener_untyped("storage", move |_| name.set(settings::name()));
    on_cleanup(move || listener.remove());
    // Members of two lists can't tell by it that somebody is on both.
    let device =
        Memo::new(move |_| session.current(|list| settings::device(&list.id)).unwrap_or_default());
    Effect::new(move || {
        // The device's storage may have been opened anew.
        if let Some(session) = session.get() {
            session.ask(Command::Meet { here, others });
        }
    });
    Effect::new(move || {
        let row = opened.todos().edited().get().last().map(ToString::to_string);
        let person =
            Person { device: device.get(), name: name.get(), row, is_active: !is_idle.get() };
        here.set(is_visible.get().then(|| person.encode()));
    });
    Memo::new(move |_| {
        let mut people: Vec<Person> = Vec::new();
        for person in others.get().iter().filter_map(|one| Person::decode(one)) {
            // Where tabs can't agree on one that syncs, each says so for itself.
            let is_known = people.iter().any(|known| known.device == person.device);
            if person.device != device.get() && !is_known {
                people.push(person);
            }
        }
        people
    })
}

fn is_visible() -> RwSignal<bool> {
    let now = || !document().hidden();
    let signal = RwSignal::new(now());
    let listener = window_event_listener_untyped("visibilitychange", move |_| signal.set(now()));
    on_cleanup(move || listener.remove());
    signal
}

/// Whether nothing was pressed or touched for a while.
fn is_idle() -> RwSignal<bool> {
    let is_idle = RwSignal::new(false);
    let since = StoredValue::new(0_u32);
    let wait = move || {
        let turn = since.try_update_value(|turn| {
            *turn = turn.wrapping_add(1);
            *turn
        });
        let sleep = move || {
            if turn.is_some() && since.try_get_value() == turn {
                is_idle.try_set(true);
            }
        };
        set_timeout(sleep, IDLE);
    };
    let act = move || {
        is_idle.maybe_update(std::mem::take);
        wait();
    };
    wait();
    let keys = window_event_listener(ev::keydown, move |_| act());
    let pointers = window_event_listener(ev::pointerdown, move |_| act());
    on_cleanup(move || {
        keys.remove();
        pointers.remove();
    });
    is_idle
}
