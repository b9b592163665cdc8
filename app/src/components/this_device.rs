//! What this device keeps as a whole: saving it all as a file, and forgetting it.

use leptos::html::{A, Dialog};
use leptos::prelude::*;
use settee::{BackupError, Restored};

use super::confirmed::{Confirmed, Wording};
use super::files::BACKUP_ENDING;
use crate::dialog;
use crate::session::{Command, DeviceCommand, SessionSlot};

const FORGET: Wording = Wording {
    label: "Forget this device…",
    question: "It can’t be taken back. Forget this device?",
    no: "No",
    yes: "Forget it",
    actions: ("forget-device", "confirm-forget-device"),
};

#[component]
pub fn ThisDevice(session: SessionSlot) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let only_here = RwSignal::new(None::<String>);
    dialog::follow(dialog, move || only_here.with(Option::is_some));
    let always = Memo::new(|_| true);
    let forget = Callback::new(move |()| session.ask(Command::Device(DeviceCommand::Forget)));
    view! {
        <button
            type="button"
            data-action="this-device"
            aria-haspopup="dialog"
            on:click=move |_| session.ask(Command::Device(DeviceCommand::TellUnsent { tell: only_here }))
        >
            "This device…"
        </button>
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="this-device-title"
            on:close=move |_| only_here.set(None)
        >
            <h2 id="this-device-title">"This device"</h2>
            <h3>"Save everything"</h3>
            <p>
                "All lists and what opens them, in one file. “Open a file” brings them back, in another browser and \
                 without network, too. Keep it like a key: whoever has it has your lists."
            </p>
            <SaveDevice session />
            <h3>"Forget this device"</h3>
            <p>
                "If others use this browser, or you leave it, it can forget you: all lists, what opens them, your name \
                 and your settings. Lists that you shared stay with the others, and yours on your other devices. What \
                 is nowhere else can’t be opened any more."
            </p>
            <p class="warning" hidden=move || only_here.with(|it| it.as_deref() == Some(""))>
                {only_here}
            </p>
            <Confirmed wording=FORGET asks=always act=forget />
            <form method="dialog" class="choices">
                <button data-action="close-this-device">"Done"</button>
            </form>
        </dialog>
    }
}

#[component]
fn SaveDevice(session: SessionSlot) -> impl IntoView {
    let anchor = NodeRef::<A>::new();
    let file = RwSignal::new(None::<String>);
    Effect::new(move || {
        if let (Some(address), Some(anchor)) = (file.get(), anchor.get_untracked()) {
            // They fail on names of attributes that are none.
            let _ = anchor.set_attribute("href", &address);
            let _ = anchor.set_attribute("download", &format!("My lists{BACKUP_ENDING}"));
            anchor.click();
        }
    });
    view! {
        <button
            type="button"
            data-action="save-device"
            on:click=move |_| session.ask(Command::Device(DeviceCommand::BackUp { file }))
        >
            "Save as a file"
        </button>
        <a node_ref=anchor hidden></a>
    }
}

/// What has come from a file that a device had saved, in words.
pub fn restored(outcome: Result<Restored, BackupError>) -> String {
    let Restored { databases, documents, failed } = match outcome {
        Ok(restored) => restored,
        Err(BackupError::Newer) => return NEWER.to_owned(),
        Err(BackupError::CutOff) => return CUT_OFF.to_owned(),
        Err(BackupError::NotOne | BackupError::Damaged) => return DAMAGED.to_owned(),
    };
    let told = match (databases, documents) {
        (0, 0) => "All of it is here already.".to_owned(),
        (0, _) => "Your lists have all of it again.".to_owned(),
        (1, _) => "1 list is here again.".to_owned(),
        (lists, _) => format!("{lists} lists are here again."),
    };
    match failed {
        0 => told,
        1 => format!("{told} One entry of the file was left out."),
        failed => format!("{told} {failed} entries of the file were left out."),
    }
}

const NEWER: &str = "A newer version of Settee has saved this file.";
const CUT_OFF: &str = "This file isn’t whole. Nothing was taken from it.";
const DAMAGED: &str = "This file is damaged. Nothing was taken from it.";

/// What would be lost with this device: so many changes that the server doesn't have, in so many lists.
pub fn only_here(changes: usize, lists: usize) -> String {
    match (changes, lists) {
        (0, _) => String::new(),
        (1, _) => "1 change exists only here.".to_owned(),
        (changes, 1) => format!("{changes} changes in 1 list exist only here."),
        (changes, lists) => format!("{changes} changes in {lists} lists exist only here."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_told_in_words() {
        assert_eq!(only_here(0, 0), "");
        assert_eq!(only_here(1, 1), "1 change exists only here.");
        assert_eq!(only_here(2, 1), "2 changes in 1 list exist only here.");
        assert_eq!(only_here(3, 2), "3 changes in 2 lists exist only here.");
    }

    #[test]
    fn what_a_file_has_brought_is_told_in_words() {
        let told =
            |databases, documents, failed| restored(Ok(Restored { databases, documents, failed }));
        assert_eq!(told(0, 0, 0), "All of it is here already.");
        assert_eq!(told(0, 3, 0), "Your lists have all of it again.");
        assert_eq!(told(1, 0, 0), "1 list is here again.");
        assert_eq!(told(2, 9, 1), "2 lists are here again. One entry of the file was left out.");
        assert!(told(2, 9, 2).ends_with(" 2 entries of the file were left out."));
        assert_eq!(restored(Err(BackupError::CutOff)), CUT_OFF);
    }
}
