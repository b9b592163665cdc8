//! What can be done with a link: copy it, hand it to another app, show it as a code.

use std::time::Duration;

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::Reflect;
use web_sys::{Navigator, ShareData};

use super::code::Shown;
use crate::focus;

const THANKS: Duration = Duration::from_secs(4);

/// The buttons for a link. `name` says which one it is, for those who don't see where they stand.
#[component]
pub fn LinkButtons(
    link: Memo<Option<String>>,
    name: String,
    action: &'static str,
    code: RwSignal<Option<Shown>>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    // It could not be written to the clipboard, so the person copies it.
    let by_hand = RwSignal::new(false);
    let copy = move |_| {
        let Some(link) = link.get_untracked() else { return };
        spawn_local(async move {
            let is_copied = to_clipboard(&link).await;
            by_hand.try_set(!is_copied);
            copied.try_set(is_copied);
            let forget = move || {
                copied.try_set(false);
            };
            set_timeout(forget, THANKS);
        });
    };
    let hand_over = move |_| {
        let Some(link) = link.get_untracked() else { return };
        spawn_local(async move {
            let data = ShareData::new();
            data.set_url(&link);
            let handed = JsFuture::from(window().navigator().share_with_data(&data)).await;
            // The person may think better of it.
            let is_abort = |error: &JsValue| {
                Reflect::get(error, &"name".into()).is_ok_and(|name| name == "AbortError")
            };
            if handed.is_err_and(|error| !is_abort(&error)) {
                by_hand.try_set(true);
            }
        });
    };
    let shown = name.clone();
    let show = move |_| {
        let shown = link.get_untracked().map(|link| Shown { name: shown.clone(), link });
        // The same button takes it away again.
        let is_shown = code.with_untracked(|code| *code == shown);
        code.set(shown.filter(|_| !is_shown));
    };
    let can_hand_over = can_hand_over(&window().navigator());
    view! {
        <span class="link-buttons" role="group" aria-label=name>
            <button type="button" data-action=action on:click=copy>
                <span aria-live="polite">
                    {move || if copied.get() { "Link copied" } else { "Copy link" }}
                </span>
            </button>
            <button type="button" data-action="hand-over" hidden=!can_hand_over on:click=hand_over>
                "Send…"
            </button>
            <button type="button" data-action="show-code" on:click=show>
                "Code"
            </button>
        </span>
        {move || {
            let link = link.get().filter(|_| by_hand.get());
            link.map(|link| view! { <LinkField link by_hand /> })
        }}
    }
}

#[component]
fn LinkField(link: String, by_hand: RwSignal<bool>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            field.select();
        }
    });
    view! {
        <div class="by-hand">
            <label>
                "Copy this link and send it:"
                <input node_ref=field type="text" readonly prop:value=link />
            </label>
            <button type="button" on:click=move |_| by_hand.set(false)>
                "Done"
            </button>
        </div>
    }
}

/// Whether the system lets pages hand something to other apps. Most desktops don't.
fn can_hand_over(navigator: &Navigator) -> bool {
    Reflect::has(navigator, &"share".into()).unwrap_or_default()
}

pub async fn to_clipboard(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Pages that were loaded over plain HTTP have no clipboard.
    !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
