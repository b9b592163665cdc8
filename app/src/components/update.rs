//! The offer of a newer version of the app.

use leptos::prelude::*;

/// The script that the shell puts into the page shows it, and hears the button.
#[component]
pub fn Update() -> impl IntoView {
    view! {
        <div role="status">
            <p class="status-line" data-shell="ready" hidden>
                "A new version is ready."
                <button type="button" data-action="update" data-shell-renew="">
                    "Update"
                </button>
            </p>
        </div>
    }
}
