//! Being told of lists' changes while no page is open.

use std::collections::BTreeMap;

use serde_json::Value;
use settee::Kept;
use settee_app::settings;
use settee_todo::document::TOLD;
use wasm_bindgen_futures::spawn_local;

use crate::lists::Known;

/// What became of it if it was done.
pub const DONE: &str = "done";

/// What stands in the field of a list that this device is told of.
pub fn mark(list: &str) -> String {
    settings::device(list).to_string()
}

/// Whether this device is told of a list.
pub fn is_told(kept: &Kept) -> bool {
    let told = kept.app.get(TOLD).and_then(Value::as_str);
    told.is_some_and(|told| told == mark(&kept.name))
}

/// Has this device be told of a list, or not any more. Returns what became of it: see [`settee_shell::notices`].
pub async fn ask(list: &Known, is_wanted: bool, is_pressed: bool) -> String {
    let Some(token) = list.keys.best() else { return "failed".to_owned() };
    let (database, token, who) = (list.id().as_str(), token.to_string(), settings::name());
    settee_shell::notices(is_wanted, is_pressed, database, &token, &who).await
}

/// Says again of each list where this device can be reached, for that may be elsewhere now.
pub fn renew(kept: &BTreeMap<String, Kept>) {
    let told = kept.iter().filter(|(_, kept)| is_told(kept));
    let lists: Vec<Known> = told.filter_map(|(key, kept)| Known::read(key, kept)).collect();
    spawn_local(async move {
        for list in lists {
            ask(&list, true, false).await;
        }
    });
}
