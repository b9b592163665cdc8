//! Dialogs that stand over the page.

use leptos::html::Dialog;
use leptos::prelude::*;

/// Opens and closes a dialog as this says, as long as the component lives.
pub fn follow(dialog: NodeRef<Dialog>, is_open: impl Fn() -> bool + 'static) {
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        if is_open() {
            // It fails if it is open already.
            let _ = dialog.show_modal();
        } else {
            dialog.close();
        }
    });
}
