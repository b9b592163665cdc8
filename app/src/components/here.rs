//! The others who have the list on the screen: small signs with their initials, and marks on the rows that they
//! are editing.

use leptos::prelude::*;
use leptos::web_sys::Element;
use settee_todo::presence::Person;

use crate::page_rows::{on_change, row_of};

/// How many signs there is room for. The last one stands for all others then.
const SIGNS: usize = 4;
/// How many colours there are in the style sheet.
const COLOURS: u64 = 6;

#[component]
pub fn Here(people: Memo<Vec<Person>>) -> impl IntoView {
    let mark = move || people.with(|people| mark_rows(people));
    Effect::new(mark);
    on_change(move || untrack(mark));
    let more = move || people.with(Vec::len).saturating_sub(SIGNS);
    let signs = move || {
        let people = people.get().into_iter().take(SIGNS);
        people.map(|person| view! { <Sign person /> }).collect_view()
    };
    view! {
        <ul class="here" role="list" aria-label="Here now" hidden=move || people.with(Vec::is_empty)>
            {signs}
            <li class="sign" hidden=move || more() == 0>
                <span aria-hidden="true">{move || format!("+{}", more())}</span>
                <span class="only-read">{move || format!("and {} others", more())}</span>
            </li>
        </ul>
    }
}

#[component]
fn Sign(person: Person) -> impl IntoView {
    let name = called(&person).to_owned();
    let initials = person.initials();
    let initials = if initials.is_empty() { "?".to_owned() } else { initials };
    let words = if person.is_active { name } else { format!("{name}, away from the screen") };
    let title = words.clone();
    view! {
        <li
            class="sign"
            class:idle=!person.is_active
            data-colour=(person.device % COLOURS).to_string()
            title=title
        >
            <span aria-hidden="true">{initials}</span>
            <span class="only-read">{words}</span>
        </li>
    }
}

/// What they are called by somebody else.
fn called(person: &Person) -> &str {
    match person.name.trim() {
        "" => "Somebody",
        name => name,
    }
}

/// Says on each row who edits it. Rows know nothing of this.
fn mark_rows(people: &[Person]) {
    while let Ok(Some(mark)) = document().query_selector(".todo-list .writes") {
        mark.remove();
    }
    for person in people {
        if let Some(item) = person.row.as_deref().and_then(row_of) {
            mark_row(&item, person);
        }
    }
}

/// It fails only on names that are none.
fn mark_row(item: &Element, person: &Person) -> Option<()> {
    let mark = document().create_element("p").ok()?;
    mark.set_class_name("writes");
    mark.set_attribute("data-colour", &(person.device % COLOURS).to_string()).ok()?;
    mark.set_attribute("dir", "auto").ok()?;
    mark.set_text_content(Some(&format!("{} is editing this", called(person))));
    item.append_child(&mark).ok().map(drop)
}
