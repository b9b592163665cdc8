//! Who has added and ticked a todo, below its title, if it was somebody else. When others change it while it is on the
//! page, the row says so for a moment.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::web_sys::Element;
use settee::store::DocumentId;
use settee_todo::Todo;

use crate::settings;

/// How long a row says that it was changed.
const MOMENT: Duration = Duration::from_secs(6);

/// A row's part of that.
pub struct Credit {
    label: Option<Element>,
    shown: Option<Todo>,
    moment: Option<TimeoutHandle>,
}

impl Credit {
    pub fn new(id: &DocumentId) -> Self {
        Self { label: document().get_element_by_id(id.as_str()), shown: None, moment: None }
    }

    pub fn show(&mut self, todo: &Todo) {
        let Some(label) = self.label.clone().filter(|_| self.shown.as_ref() != Some(todo)) else {
            return;
        };
        let me = settings::name();
        let other = |who: &str| (!who.is_empty() && who != me).then(|| who.to_owned());
        let added = other(&todo.by).map(|who| format!("added by {who}"));
        let ticked = other(&todo.ticked).filter(|_| todo.completed);
        let ticked = ticked.map(|who| format!("ticked by {who}"));
        let before = self.shown.replace(todo.clone());
        let is_new = |changed: fn(&Todo, &Todo) -> bool| {
            before.as_ref().is_some_and(|before| changed(before, todo))
        };
        let edited = other(&todo.edited).filter(|_| is_new(|one, other| one.title != other.title));
        let opened =
            other(&todo.ticked).filter(|_| is_new(|one, other| one.completed && !other.completed));
        let news = match (edited, opened) {
            (Some(who), _) => Some(format!("changed by {who}")),
            (None, Some(who)) => Some(format!("opened again by {who}")),
            (None, None) => {
                ticked.clone().filter(|_| is_new(|one, other| one.completed != other.completed))
            }
        };
        let lasting: Vec<String> = [added, ticked].into_iter().flatten().collect();
        let lasting = lasting.join(" · ");
        if let Some(moment) = self.moment.take() {
            moment.clear();
            // It fails on names that are none.
            let _ = label.remove_attribute("data-told");
        }
        let Some(news) = news else { return write(&label, "data-credit", &lasting) };
        write(&label, "data-credit", &news);
        write(&label, "data-told", "");
        let forget = move || {
            write(&label, "data-credit", &lasting);
            // It fails on names that are none.
            let _ = label.remove_attribute("data-told");
        };
        self.moment = set_timeout_with_handle(forget, MOMENT).ok();
    }
}

/// It fails on names that are none.
fn write(label: &Element, name: &str, value: &str) {
    let _ = label.set_attribute(name, value);
}
