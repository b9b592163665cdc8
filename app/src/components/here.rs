//! The others who have the list on the screen: small signs with their initials, and marks on the rows that they
//! are editing.

use leptos::prelude::*;
use leptos::web_sys::Element;
use settee_todo::presence::Person;

use crate::opened::Opened;

/// How many signs there is room for. The last one stands for all others then.
const SIGNS: usize = 4;
/// How many colours there are in the style sheet.
const COLOURS: u64 = 6;

#[component]
pub fn Here(people: Memo<Vec<Person>>, opened: Opened) -> impl IntoView {
    Effect::new(move || {
        // Rows are drawn anew under another filter.
        opened.filter.track();
        let editing: Vec<Person> = people.get().into_iter().filter(|it| it.row.is_some()).collect();
        opened.todos().total.track();
        request_animation_frame(move || mark_rows(&editing));
    });
    let more = move || people.with(Vec::len).saturating_sub(SIGNS);
    let signs = move || {
        let people = people.get().into_iter().take(SIGNS);
        people.map(|person| view! { <Sign person /> }).collect_view()
    };
    view! {
        <ul class="here" role="list" aria-label="Here now" hidden=move || people.with(Vec::is_empty)>
            {signs}
            <li class="sign" hidden=move || more() == 0>
                {move || format!("+{}", more())}
            </li>
        </ul>
    }
}

#[component]
fn Sign(person: Person) -> impl IntoView {
    let name = called(&person).to_owned();
    let initials = person.initials();
    let initials = if initials.is_empty() { "?".to_owned() } else { initials };
    let words = if person.is_idle { format!("{name}, away from the screen") } else { name };
    let title = words.clone();
    view! {
        <li
            class="sign"
            class:idle=person.is_idle
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
        let label = person.row.as_deref().and_then(|row| document().get_element_by_id(row));
        let item = label.and_then(|label| label.closest(".todo-list li").ok().flatten());
        if let Some(item) = item {
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
