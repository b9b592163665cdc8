//! What this device keeps as a whole.

use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::js_sys::{Array, Uint8Array};
use leptos::web_sys::{Blob, Url};
use settee::{Config, Error, Settee, client::runtime::sleep};
use settee_app::{DeviceCommand, only_here, restored, settings};

use crate::page;

const TOO_OLD: &str = "This browser is too old for this: remove this site’s data in its settings.";
/// How long the service worker may take to end notices.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does what is asked for.
pub async fn run(settee: &Settee, command: DeviceCommand) -> Result<(), Error> {
    if matches!(command, DeviceCommand::TellHome { .. } | DeviceCommand::BackUp { .. }) {
        settings::keep_safe();
    }
    match command {
        DeviceCommand::TellHome { tell } => drop(tell.try_set(Some(settee.home().await?))),
        DeviceCommand::TellUnsent { tell } => drop(tell.try_set(Some(unsent(settee).await?))),
        DeviceCommand::BackUp { file } => drop(file.try_set(save(settee).await?)),
        DeviceCommand::Restore { file, outcome } => {
            drop(outcome.try_set(restore(settee, &file).await?));
        }
        DeviceCommand::Forget => forget().await,
    }
    Ok(())
}

/// What would be lost with it, in words.
async fn unsent(settee: &Settee) -> Result<String, Error> {
    if !can_forget().await {
        return Ok(TOO_OLD.to_owned());
    }
    let (mut changes, mut lists) = (0, 0);
    for kept in settee.kept().await?.into_values().filter(|kept| kept.home_token().is_none()) {
        let list = settee.database(&kept.name).await?;
        let counts = list.database().counts().await?;
        let unsent = counts.pending + counts.refused;
        changes += unsent;
        lists += usize::from(unsent > 0);
    }
    Ok(only_here(changes, lists))
}

/// Saves all of it as a file. Returns its address, as long as the page lives; nothing where there is no room.
async fn save(settee: &Settee) -> Result<Option<String>, Error> {
    let parts = Array::new();
    let keep = |part: &[u8]| {
        parts.push(&Uint8Array::from(part));
    };
    settee.back_up(keep).await?;
    let file = Blob::new_with_u8_array_sequence(&parts).ok();
    Ok(file.and_then(|file| Url::create_object_url_with_blob(&file).ok()))
}

/// Keeps all that is in such a file, and says what became of it.
async fn restore(settee: &Settee, file: &[u8]) -> Result<String, Error> {
    match settee.restore(file).await {
        Ok(brought) => Ok(restored(Ok(brought))),
        Err(Error::Backup(error)) => Ok(restored(Err(error))),
        Err(error) => Err(error),
    }
}

/// Forgets all of it. The next page does so, before it opens anything.
async fn forget() {
    if can_forget().await && settings::begin_forgetting() {
        tokio::select! {
            () = settee_shell::end_notices() => {}
            // A service worker of another build doesn't answer.
            () = sleep(PATIENCE) => {}
        }
        page::leave_for("/");
    }
}

/// Whether the browser tells what it would have to delete. Nothing is deleted for that.
async fn can_forget() -> bool {
    Config::of_page().erase(|| false).await.is_ok()
}
