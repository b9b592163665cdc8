//! Files that are opened: one becomes a list, or what another device kept. A list is saved as a file.

use leptos::html::{A, Dialog, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use serde_json::{Map, Value};
use settee::backup::is_backup;
use settee_todo::exchange::{ExchangeError, FIELDS, FILE_LIMIT, Format, Sheet};
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::{Array, JSON, Reflect, Uint8Array, encode_uri_component};
use web_sys::{Blob, HtmlElement};

use crate::dialog;
use crate::opened::Opened;
use crate::session::{Command, DeviceCommand, SessionSlot};

/// How the files are called in which devices save all that they keep.
pub const BACKUP_ENDING: &str = ".settee";
/// Longest of those that is read, in bytes.
const BACKUP_LIMIT: u32 = 128_000_000;
const BACKUP_TOO_LARGE: &str = "Such a file has at most 128 MB.";

/// Asks in which form the list on the screen is saved.
#[component]
pub fn SaveList(session: SessionSlot, opened: Opened, saving: RwSignal<bool>) -> impl IntoView {
    let (dialog, anchor) = (NodeRef::<Dialog>::new(), NodeRef::<A>::new());
    dialog::follow(dialog, move || saving.get());
    let save = move |format: Format| {
        let name = untrack(|| session.current(|list| list.name.clone()));
        if let (Some(name), Some(anchor)) = (name, anchor.get_untracked()) {
            let sheet = Sheet { name, items: untrack(|| opened.todos()).items() };
            download(&sheet, format, &anchor);
            saving.set(false);
        }
    };
    let choice = move |format: Format| {
        view! {
            <button type="button" data-action=format.file().0 on:click=move |_| save(format)>
                {format.name()}
            </button>
        }
    };
    view! {
        <dialog node_ref=dialog aria-labelledby="save-title" on:close=move |_| saving.set(false)>
            <h2 id="save-title">"Save this list as a file"</h2>
            <div class="formats">{Format::ALL.map(choice).collect_view()}</div>
            <a node_ref=anchor hidden></a>
            <form method="dialog" class="choices">
                <button>"Cancel"</button>
            </form>
        </dialog>
    }
}

/// Hands a file to the browser, which keeps it where downloads go.
fn download(sheet: &Sheet, format: Format, anchor: &HtmlElement) {
    let (ending, kind) = format.file();
    let text = String::from(encode_uri_component(&sheet.write(format)));
    let is_allowed = |letter: &char| !"/\\:*?\"<>|".contains(*letter);
    let name: String = sheet.name.chars().filter(is_allowed).collect();
    let name = if name.trim().is_empty() { "List" } else { name.trim() };
    // They fail on names of attributes that are none.
    let _ = anchor.set_attribute("href", &format!("data:{kind};charset=utf-8,{text}"));
    let _ = anchor.set_attribute("download", &format!("{name}.{ending}"));
    anchor.click();
}

/// JSON as the browser reads it.
fn parsed(json: &str) -> Option<Value> {
    Some(value(&JSON::parse(json).ok()?, DEPTH_LIMIT))
}

/// How deep a file may be. What is deeper is left out.
const DEPTH_LIMIT: usize = 8;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn value(read: &JsValue, depth: usize) -> Value {
    let Some(deeper) = depth.checked_sub(1) else { return Value::Null };
    if let Some(text) = read.as_string() {
        text.into()
    } else if let Some(is_true) = read.as_bool() {
        is_true.into()
    } else if let Some(number) = read.as_f64() {
        // The only number that counts is a version, which is small and whole.
        (number as u32).into()
    } else if Array::is_array(read) {
        read.unchecked_ref::<Array>().iter().map(|item| value(&item, deeper)).collect()
    } else if read.is_object() {
        let mut fields = Map::new();
        // One by one: a browser would download a sort for a whole map.
        for name in FIELDS {
            if let Some(field) = get(read, name) {
                fields.insert(name.to_owned(), value(&field, deeper));
            }
        }
        Value::Object(fields)
    } else {
        Value::Null
    }
}

/// A property of a value of the page's; `None` if it has none of that name.
fn get(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined())
}

/// Makes a list of a file, or takes in what another device has saved.
#[component]
pub fn OpenFile(session: SessionSlot, drawer: RwSignal<bool>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let complaint = RwSignal::new(String::new());
    let read = move |_| {
        let Some(field) = field.get_untracked() else { return };
        let Some(file) = field.files().and_then(|files| get(&files, "0")) else { return };
        complaint.set(String::new());
        spawn_local(async move {
            let name = get(&file, "name").and_then(|name| name.as_string()).unwrap_or_default();
            let size = get(&file, "size").and_then(|size| size.as_f64());
            let of_device = name.ends_with(BACKUP_ENDING);
            let limit = if of_device { BACKUP_LIMIT } else { FILE_LIMIT };
            // Nothing of it is read when it is too large.
            let bytes = if size.is_none_or(|size| size > limit.into()) {
                Err(if of_device {
                    BACKUP_TOO_LARGE.to_owned()
                } else {
                    ExchangeError::TooLarge.to_string()
                })
            } else {
                let bytes = JsFuture::from(file.unchecked_ref::<Blob>().array_buffer()).await;
                let bytes = bytes.map(|bytes| Uint8Array::new(&bytes).to_vec());
                bytes.map_err(|_| "This file can’t be read.".to_owned())
            };
            match bytes {
                Ok(file) if is_backup(&file) => {
                    let outcome = complaint;
                    session.ask(Command::Device(DeviceCommand::Restore { file, outcome }));
                }
                Ok(bytes) => match Sheet::read(&bytes, parsed) {
                    Ok(sheet) => {
                        drawer.try_set(false);
                        let name = name_of(&sheet, &name);
                        session.ask(Command::Create { name, todos: sheet.items });
                    }
                    Err(error) => drop(complaint.try_set(error.to_string())),
                },
                Err(error) => drop(complaint.try_set(error)),
            }
            // The same file can be chosen again.
            field.set_value("");
        });
    };
    view! {
        <label class="open-file">
            <span>"Open a file"</span>
            <input
                node_ref=field
                type="file"
                accept=".json,.md,.txt,.csv,.settee,application/json,text/*"
                aria-describedby="file-complaint"
                on:change=read
            />
        </label>
        <p id="file-complaint" class="complaint" role="alert">
            {complaint}
        </p>
    }
}

/// What a list is called that was in a file: as the file says, or as it is called itself.
fn name_of(sheet: &Sheet, file: &str) -> String {
    match (sheet.name.as_str(), file.rsplit_once('.')) {
        ("", Some((stem, _))) => stem.to_owned(),
        ("", None) => file.to_owned(),
        (name, _) => name.to_owned(),
    }
}
