//! What can be done with a link: copy it, hand it to another app, show it as a code.

use std::time::Duration;

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::ShareData;
use web_sys::js_sys::Reflect;

use super::code::Shown;
use crate::focus;

const THANKS: Duration = Duration::from_secs(4);

/// The buttons for a link. `name` says which one it is, for those who don't see where they stand.
#[component]
pub fn LinkButtons(
    #[prop(into)] link: Signal<Option<String>>,
    name: String,
    action: &'static str,
    code: RwSignal<Option<Shown>>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    // A link that could not be written to the clipboard, for the person to copy.
    let by_hand = RwSignal::new(None::<String>);
    let copy = move |_| {
        let Some(link) = link.get_untracked() else { return };
        spawn_local(async move {
            if to_clipboard(&link).await {
                by_hand.try_set(None);
                copied.try_set(true);
                let forget = move || {
                    copied.try_set(false);
                };
                set_timeout(forget, THANKS);
            } else {
                by_hand.try_set(Some(link));
            }
        });
    };
    let hand_over = move |_| {
        let Some(link) = link.get_untracked() else { return };
        spawn_local(async move {
            let data = ShareData::new();
            data.set_url(&link);
            // It fails when the person thinks better of it, too.
            let _ = JsFuture::from(window().navigator().share_with_data(&data)).await;
        });
    };
    let shown = name.clone();
    let show = move |_| {
        let (name, link) = (shown.clone(), link.get_untracked());
        code.update(|code| {
            let is_shown = code.as_ref().is_some_and(|shown| Some(&shown.link) == link.as_ref());
            *code = link.filter(|_| !is_shown).map(|link| Shown { name, link });
        });
    };
    view! {
        <span class="link-buttons" role="group" aria-label=name>
            <button
                type="button"
                data-action=action
                disabled=move || link.with(Option::is_none)
                on:click=copy
            >
                <span aria-live="polite">
                    {move || if copied.get() { "Link copied" } else { "Copy link" }}
                </span>
            </button>
            {can_hand_over()
                .then(|| {
                    view! {
                        <button type="button" data-action="hand-over" on:click=hand_over>
                            "Send…"
                        </button>
                    }
                })}
            <button type="button" data-action="show-code" on:click=show>
                "Code"
            </button>
        </span>
        {move || by_hand.get().map(|link| view! { <LinkField link by_hand /> })}
    }
}

#[component]
fn LinkField(link: String, by_hand: RwSignal<Option<String>>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            field.select();
        }
    });
    view! {
        <div class="by-hand">
            <label for="share-link">"Copy this link and send it:"</label>
            <input id="share-link" node_ref=field type="text" readonly prop:value=link />
            <button type="button" on:click=move |_| by_hand.set(None)>
                "Done"
            </button>
        </div>
    }
}

/// Whether the system lets pages hand something to other apps. Most desktops don't.
fn can_hand_over() -> bool {
    let share: JsValue = "share".into();
    Reflect::has(&window().navigator(), &share).unwrap_or_default()
}

pub async fn to_clipboard(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Pages that were loaded over plain HTTP have no clipboard.
    !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
