//! What the page says when this device's lists can't be opened, or the address names none of them.

use leptos::prelude::*;
use settee::Obstacle;

use super::forgetting;
use crate::mounted::{Mounted, Place};
use crate::session::{Access, SessionSlot};

/// Shown as long as the lists can't be read. They are tried again by themselves.
pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    let obstacle = session.obstacle();
    let access = session.access();
    place.mount(|| {
        forgetting::follow(session);
        let forgetting = move || {
            obstacle.with(|it| *it == Some(Obstacle::Forgotten)).then_some({
                "Forgetting this device… If it takes long, close the other tabs of Settee."
            })
        };
        let cannot = move || {
            let obstacle = obstacle.get().filter(|it| *it != Obstacle::Forgotten)?;
            let advice = advice(&obstacle);
            Some(view! {
                <p data-obstacle=name(&obstacle)>
                    "Your lists can’t be read at the moment. They aren’t deleted. " {advice} " "
                    <button
                        type="button"
                        data-action="open-again"
                        on:click=move |_| session.try_again()
                    >
                        "Try again"
                    </button>
                </p>
            })
        };
        view! {
            {cannot}
            {forgetting}
            {move || (access.get() == Access::Unknown).then(unknown_list)}
        }
    })
}

fn unknown_list() -> impl IntoView {
    view! {
        <section class="unknown">
            <h1>"todos"</h1>
            <p>
                "This device doesn’t know this list. Open it with the link that somebody shares with you, or go to "
                <a href="/" rel="external">"your own list"</a> "."
            </p>
        </section>
    }
}

/// The value of `data-obstacle`.
fn name(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Newer => "newer",
        Obstacle::OtherTab => "other-tab",
        Obstacle::Full => "full",
        Obstacle::Corrupt(_) => "corrupt",
        Obstacle::Slow => "slow",
        Obstacle::Forgotten => "forgotten",
        Obstacle::Failed(_) => "failed",
    }
}

fn advice(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Newer => {
            "A newer version of Settee has saved them: reload this page to get it.".to_owned()
        }
        Obstacle::OtherTab => {
            "Settee is open in another tab or window that holds them back. Close the others, and this goes on by itself.".to_owned()
        }
        Obstacle::Full => "There is no room left on this device: make some.".to_owned(),
        Obstacle::Corrupt(reason) => format!("What is stored is damaged: {reason}."),
        Obstacle::Slow => "This device’s storage doesn’t answer.".to_owned(),
        Obstacle::Forgotten => String::new(),
        Obstacle::Failed(reason) => format!("This device’s storage says: {reason}."),
    }
}
