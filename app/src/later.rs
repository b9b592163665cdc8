//! Parts of the page that the first screen does without. With the feature `split` they are in a file of
//! their own, which a page loads when its lists are open, or can't be opened.

use std::rc::Rc;
use std::sync::OnceLock;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::Element;
use settee::leptos::RowState;
use settee_todo::Todo;

use crate::components::{self, NoticePlace};
use crate::mounted::{Mounted, Place};
use crate::opened::Opened;
use crate::session::SessionSlot;

/// What fills the places that the first screen has for it.
#[derive(Clone, Copy)]
pub struct Parts {
    pub cannot_open: fn(&Place, SessionSlot) -> Mounted,
    pub lists: fn(&Place, SessionSlot, Opened, RwSignal<bool>) -> Mounted,
    pub share: fn(&Place, SessionSlot, Opened) -> Mounted,
    pub link_notice: fn(&Place, SessionSlot) -> Mounted,
    pub problems: fn(&Place, SessionSlot, Opened) -> Mounted,
    /// For a row that has something to say for the first time.
    pub notice: fn(NoticePlace) -> Box<dyn Notice>,
}

/// What a row says besides its todo.
pub trait Notice {
    /// Says what there is to say now, or nothing more.
    fn show(&mut self, todo: &Todo, state: &RowState);
}

/// They are the same for everyone on a page, and stay.
static PARTS: OnceLock<Parts> = OnceLock::new();

/// The parts, once they are there.
#[derive(Clone, Copy)]
pub struct Later {
    is_there: RwSignal<bool>,
}

impl Later {
    /// Loads them when it is time.
    pub fn of(session: SessionSlot) -> Self {
        let is_there = RwSignal::new(PARTS.get().is_some());
        Effect::new(move |was_time: Option<bool>| {
            let is_time = session.get().is_some() || session.obstacle().with(Option::is_some);
            let was_time = was_time == Some(true);
            if is_time && !was_time {
                spawn_local(async move {
                    let parts = load().await;
                    PARTS.get_or_init(|| parts);
                    is_there.try_set(true);
                });
            }
            is_time || was_time
        });
        Self { is_there }
    }

    /// Tells the effect that asks when they are there.
    pub fn get(self) -> Option<&'static Parts> {
        self.is_there.get().then(|| PARTS.get()).flatten()
    }

    /// A directive for an element: it gets the part in the place of what it has.
    pub fn fills(
        self,
        part: impl Fn(&Parts, &Place) -> Mounted + 'static,
    ) -> impl Fn(Element) + Clone {
        let part: Rc<Part> = Rc::new(part);
        move |element| fill(self, element, part.clone())
    }
}

type Part = dyn Fn(&Parts, &Place) -> Mounted;

fn fill(later: Later, element: Element, part: Rc<Part>) {
    // A strong handle would keep the effect alive, and the effect its owner.
    let Some(owner) = Owner::current().map(|owner| owner.downgrade()) else { return };
    let mut mounted = None;
    Effect::new(move || {
        if mounted.is_none()
            && let (Some(parts), Some(owner)) = (later.get(), owner.upgrade())
        {
            element.set_inner_html("");
            mounted = Some(part(parts, &Place { element: element.clone(), owner }));
        }
    });
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
async fn load() -> Parts {
    settee::apart::loaded(parts).await
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
#[allow(clippy::unused_async, reason = "elsewhere they are loaded")]
async fn load() -> Parts {
    components::parts()
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[allow(clippy::unnecessary_wraps, reason = "loading it may fail")]
#[wasm_split_helpers::wasm_split(later, fallible)]
fn parts() -> Result<Parts, wasm_split_helpers::SplitLoaderError> {
    Ok(components::parts())
}
