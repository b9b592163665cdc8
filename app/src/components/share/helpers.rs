//! Whether those who can tick may add todos, too.

use leptos::prelude::*;
use settee::keys::{
    Role,
    access::{HelpersMay, helpers_id},
};
use settee::leptos::follow as follow_changes;
use settee_todo::access::AccessChange;

use super::Parts;
use crate::app::set_on_body;
use crate::session::SessionSlot;

#[component]
pub fn HelpersAdd(parts: Parts) -> impl IntoView {
    let choose = move |event| {
        let may = HelpersMay { add: event_target_checked(&event) };
        let done =
            "That holds as soon as this device is online. What was added before stays theirs.";
        parts.write(AccessChange::HelpersMay(may), done.to_owned());
    };
    view! {
        <p>
            <label class="tell">
                <input
                    type="checkbox"
                    data-action="helpers-add"
                    prop:checked=move || parts.sharing.with(|sharing| sharing.helpers.add)
                    on:change=choose
                />
                "Those who can tick may add todos, too"
            </label>
        </p>
    }
}

/// Says on the page whether its list takes new todos from helpers. The style sheet hides the field for them.
pub fn follow(session: SessionSlot) {
    Effect::new(move || {
        let helped = |role| role == Some(Role::Helper);
        let list =
            session.current(|list| helped(list.role).then(|| list.database.clone())).flatten();
        set_on_body("data-adds", None);
        let Some(list) = list else { return };
        follow_changes(list.watch(), async move |_| {
            // If it can't be read, the list itself says so.
            let Ok(found) = list.records(vec![helpers_id()]).await else { return };
            let may = HelpersMay::of(found.first().and_then(Option::as_deref));
            set_on_body("data-adds", (!may.add).then_some("no"));
        });
    });
}
