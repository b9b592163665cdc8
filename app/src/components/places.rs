//! Todos that only so many people can take: a line in each row that has places, and a dialog that says how many
//! there are.

use leptos::html::{Button, Dialog};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::Element;
use settee::store::DocumentId;
use settee_todo::places::PLACES_LIMIT;

use crate::mounted::Mounted;
use crate::opened::Opened;
use crate::page_rows::{on_change, row_of};
use crate::places::{Mine, Offer, Offers};
use crate::session::{Access, SessionSlot};
use crate::{dialog, focus};

const NO_NUMBER: &str = "That is no whole number from 0 to 99.";
const NOT_SAVED: &str = "This can’t be saved on this device.";

/// A line that stands in a row.
struct Line {
    todo: String,
    item: Element,
    _mounted: Mounted,
}

/// Puts a line into each row that has places, as long as the component lives.
pub fn follow_rows(offers: Offers, access: Memo<Access>) {
    let Some(owner) = Owner::current().map(|owner| owner.downgrade()) else { return };
    let lines = StoredValue::new_local(Vec::<Line>::new());
    let offered = Memo::new(move |_| offers.all().iter().map(Offer::todo).collect::<Vec<_>>());
    let place = move || {
        let Some(owner) = owner.upgrade() else { return };
        let offered = offered.get_untracked();
        lines.try_update_value(|lines| {
            lines.retain(|line| {
                offered.contains(&line.todo) && row_of(&line.todo).as_ref() == Some(&line.item)
            });
            for todo in offered {
                let is_there = lines.iter().any(|line| line.todo == todo);
                if let Some(item) = row_of(&todo).filter(|_| !is_there) {
                    let about = todo.clone();
                    let view = || view! { <PlacesLine todo=about offers access /> };
                    let mounted = Mounted::new(&owner, &item, None, view);
                    lines.push(Line { todo, item, _mounted: mounted });
                }
            }
        });
    };
    let again = place.clone();
    Effect::new(move || {
        offered.track();
        again();
    });
    on_change(place);
}

#[component]
fn PlacesLine(todo: String, offers: Offers, access: Memo<Access>) -> impl IntoView {
    let said = RwSignal::new("");
    let id = StoredValue::new(DocumentId::new(&todo).ok());
    let about = todo.clone();
    let offer = Memo::new(move |_| offers.get(&about));
    let mine = move || offer.with(Offer::mine);
    let may_ask = move || matches!(access.get(), Access::Write | Access::Help);
    let can_act = move || {
        let is_free = !offer.with(Offer::is_full);
        may_ask() && (is_free || mine() != Mine::None)
    };
    let asks = move || match mine() {
        Mine::None => true,
        Mine::Refused => !offer.with(Offer::is_full),
        Mine::Waits | Mine::Granted | Mine::Failed => false,
    };
    let label = move || match mine() {
        _ if asks() => "I’ll do it",
        Mine::Waits => "Withdraw",
        Mine::Granted => "Give it back",
        Mine::None | Mine::Refused | Mine::Failed => "Dismiss",
    };
    let is_busy = RwSignal::new(false);
    let act = move |_| {
        // A second press is about the same.
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        let (now, id) = (offer.get_untracked(), id.get_value());
        let asks = untrack(asks);
        spawn_local(async move {
            let is_saved = match id.filter(|_| asks) {
                Some(id) => offers.ask(&id, &now).await,
                None => offers.withdraw(now).await,
            };
            said.try_set(if is_saved { "" } else { NOT_SAVED });
            is_busy.try_set(false);
        });
    };
    let button = NodeRef::<Button>::new();
    Effect::new(move || {
        // The focus goes to the todo's box when the button goes.
        let Some(button) = button.get().filter(|_| !can_act()) else { return };
        if focus::holds_focus(&button)
            && let Ok(Some(item)) = button.closest("li")
        {
            focus::return_to(&item);
        }
    });
    view! {
        <p class="places">
            <span dir="auto">{move || offer.with(told)}</span>
            <span role="status">
                {move || offer.with(of_mine)} {said}
            </span>
            <button
                node_ref=button
                type="button"
                data-action="place"
                aria-describedby=todo
                hidden=move || !can_act()
                on:click=act
            >
                {label}
            </button>
        </p>
    }
}

/// Who has taken how many places.
fn told(offer: &Offer) -> String {
    let names: Vec<&str> = offer.taken.taken.iter().map(|place| &*place.who).collect();
    let colon = if names.is_empty() { "" } else { ": " };
    format!("{} of {} taken{colon}{}", names.len(), offer.places, names.join(", "))
}

fn of_mine(offer: &Offer) -> String {
    match offer.mine() {
        Mine::None => String::new(),
        Mine::Waits => "You have asked; the server answers when it is reached.".to_owned(),
        Mine::Granted => "You do it.".to_owned(),
        Mine::Refused if offer.is_full() => "The last place went to somebody else.".to_owned(),
        Mine::Refused => "There is room again.".to_owned(),
        Mine::Failed => format!("Not accepted: {}", offer.failure().unwrap_or_default()),
    }
}

/// Asks how many people can take each todo of the list on the screen.
#[component]
pub fn PlacesDialog(
    session: SessionSlot,
    opened: Opened,
    offers: Offers,
    placing: RwSignal<bool>,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let said = RwSignal::new("");
    dialog::follow(dialog, move || placing.get());
    let rows = move || {
        // Another list has other todos.
        session.current(|_| ());
        let titles = if placing.get() { opened.todos().titles() } else { Vec::new() };
        titles
            .into_iter()
            .map(|(id, title)| view! { <PlacesField id title offers said /> })
            .collect_view()
    };
    view! {
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="places-title"
            on:close=move |_| placing.set(false)
        >
            <h2 id="places-title">"How many people can take each todo?"</h2>
            <p>
                "Then everybody on the list can say who does it. The last place is given out once, by the server. "
                "Without a number, a todo is for everybody."
            </p>
            <ul class="links" role="list">{rows}</ul>
            <p role="status">{said}</p>
            <form method="dialog" class="choices">
                <button data-action="close-places">"Done"</button>
            </form>
        </dialog>
    }
}

#[component]
fn PlacesField(
    id: DocumentId,
    title: String,
    offers: Offers,
    said: RwSignal<&'static str>,
) -> impl IntoView {
    let places = untrack(|| offers.get(id.as_str())).places;
    let value = if places > 0 { places.to_string() } else { String::new() };
    let id = StoredValue::new(id);
    let change = move |event| {
        let text = event_target_value(&event);
        let places = if text.trim().is_empty() { Some(0) } else { text.trim().parse().ok() };
        let Some(places) = places.filter(|places| *places <= PLACES_LIMIT) else {
            return said.set(NO_NUMBER);
        };
        spawn_local(async move {
            let is_saved = offers.set(&id.get_value(), places).await;
            said.try_set(if is_saved { "" } else { NOT_SAVED });
        });
    };
    view! {
        <li>
            <label class="what">
                <bdi>{title}</bdi>
                <input
                    class="count"
                    type="number"
                    min="0"
                    max=PLACES_LIMIT.to_string()
                    inputmode="numeric"
                    value=value
                    on:change=change
                />
            </label>
        </li>
    }
}
