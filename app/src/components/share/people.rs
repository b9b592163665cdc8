//! People with a personal link.

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::html::{Button, Input, Select};
use leptos::prelude::*;
use leptos::web_sys::js_sys::Date;
use settee::keys::Role;
use settee_todo::access::AccessChange;
use settee_todo::limits::PERSON_PATTERN;

use super::link::LinkButtons;
use super::{Parts, allows};
use crate::focus;
use crate::settings;
use crate::sharing::Person;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;
/// From March.
const MONTHS: [&str; 12] =
    ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];

#[component]
pub fn People(parts: Parts) -> impl IntoView {
    let (name, role) = (NodeRef::<Input>::new(), NodeRef::<Select>::new());
    let invite = move |event: SubmitEvent| {
        event.prevent_default();
        let Some((field, role)) = name.get_untracked().zip(role.get_untracked()) else { return };
        let name = field.value().trim().to_owned();
        if name.is_empty() {
            return;
        }
        // A second press has nothing to invite.
        field.set_value("");
        let done = format!("Now send \u{2068}{name}\u{2069} the link.");
        let role = role.value().parse().unwrap_or(Role::Viewer);
        parts.write(AccessChange::Invite { role, name, from: settings::name() }, done);
    };
    let people = move || parts.sharing.with(|sharing| sharing.people.clone());
    view! {
        <h3 id="people-title" tabindex="-1">
            "Personal links"
        </h3>
        <ul class="people" role="list" aria-labelledby="people-title">
            <For
                each=people
                key=|person| (person.id.clone(), person.invitation.revoked)
                children=move |person| view! { <PersonRow parts person /> }
            />
        </ul>
        <form class="invite" on:submit=invite>
            <label for="invite-name">
                "Invite one person, whose access you can remove later. Everybody on the list can see the name."
            </label>
            <input
                id="invite-name"
                node_ref=name
                type="text"
                placeholder="Name"
                required
                pattern=PERSON_PATTERN
                title="At most 60 characters"
                autocomplete="off"
                dir="auto"
            />
            <select node_ref=role aria-label="What they can do">
                {[Role::Editor, Role::Helper, Role::Viewer]
                    .map(|role| view! { <option value=role.name()>{allows(role)}</option> })}
            </select>
            <button type="submit" data-action="invite">
                "Invite"
            </button>
        </form>
    }
}

#[component]
fn PersonRow(parts: Parts, person: Person) -> impl IntoView {
    let link = parts.keys.with_value(|keys| person.link(keys));
    let Person { id, invitation } = person;
    let (name, is_revoked) = (invitation.label, invitation.revoked);
    let state = if is_revoked { "has no access any more" } else { allows(invitation.role) };
    let (id, whose) = (StoredValue::new(id), StoredValue::new(name.clone()));
    let (remove, keep) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    let is_asking = RwSignal::new(false);
    let ask = move |asks, button: NodeRef<Button>| {
        is_asking.set(asks);
        if let Some(button) = button.get_untracked() {
            focus::to(&button);
        }
    };
    let seen = move || {
        let day = parts.sharing.with(|sharing| id.with_value(|id| sharing.last_seen(id)))?;
        Some(last_seen(day, today()))
    };
    let revoke = move |_| {
        let name = whose.get_value();
        let done = format!("\u{2068}{name}\u{2069} loses access as soon as this device is online.");
        // The row becomes another one.
        focus::to_first("#people-title");
        parts.write(AccessChange::Revoke(id.get_value()), done);
    };
    view! {
        <li>
            <span class="what">
                <bdi>{name.clone()}</bdi>
                " "
                <span class="state">{state}</span>
                <span class="state seen">{seen}</span>
            </span>
            {(!is_revoked)
                .then(|| {
                    let link = Memo::new(move |_| link.clone());
                    view! {
                        <LinkButtons link name=name.clone() action="copy-invitation" code=parts.code />
                        <button
                            node_ref=remove
                            type="button"
                            data-action="remove-access"
                            hidden=move || is_asking.get()
                            on:click=move |_| ask(true, keep)
                        >
                            "Remove access"
                            <span class="only-read">" of " <bdi>{name.clone()}</bdi></span>
                        </button>
                        <span class="ask" role="group" hidden=move || !is_asking.get()>
                            "Remove the access of " <bdi>{name.clone()}</bdi>
                            "? What is on their device stays there. "
                            <button type="button" data-action="confirm-remove-access" class="bad" on:click=revoke>
                                "Remove"
                            </button>
                            " "
                            <button node_ref=keep type="button" on:click=move |_| ask(false, remove)>
                                "Keep"
                            </button>
                        </span>
                    }
                })}
        </li>
    }
}

/// The day by the browser's clock.
fn today() -> u64 {
    Duration::from_secs_f64(Date::now().max(0.0) / 1000.0).as_secs() / DAY
}

/// When somebody was last here. A server's clock may be ahead.
fn last_seen(day: u64, today: u64) -> String {
    match today.saturating_sub(day) {
        0 => "Here today".to_owned(),
        1 => "Last seen yesterday".to_owned(),
        days @ 2..7 => format!("Last seen {days} days ago"),
        _ => format!("Last seen on {}", date(day)),
    }
}

/// A date as the page's language has it, like 9 Nov 2026.
fn date(day: u64) -> String {
    // Years begin in March, so that the odd day is the last one, and there are 400 in an era.
    let day = day.saturating_add(719_468);
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + u64::from(month > 9);
    let name = usize::try_from(month).ok().and_then(|month| MONTHS.get(month));
    format!("{day} {} {year}", name.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_by_day() {
        let said = [0, 1, 2, 6].map(|days| last_seen(20_000 - days, 20_000));
        let days = ["Last seen 2 days ago", "Last seen 6 days ago"];
        assert_eq!(said, ["Here today", "Last seen yesterday", days[0], days[1]]);
        assert_eq!(last_seen(20_001, 20_000), "Here today");
        assert_eq!(last_seen(20_000 - 7, 20_000), "Last seen on 27 Sep 2024");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let days = [0, 58, 59, 789, 11_016, 20_000, 47_540, 47_541, 2_932_896];
        let dates = [
            "1 Jan 1970",
            "28 Feb 1970",
            "1 Mar 1970",
            "29 Feb 1972",
            "29 Feb 2000",
            "4 Oct 2024",
            "28 Feb 2100",
            "1 Mar 2100",
            "31 Dec 9999",
        ];
        assert_eq!(days.map(date), dates);
        assert!(!date(u64::MAX).is_empty());
    }
}
