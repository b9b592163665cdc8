//! Syncing, in the one tab that does it for all.

use settee_client::{
    Client,
    browser::{Leadership, WebSocketConnector, leadership::Part, watch_device},
};
use settee_sync::Limits;
use settee_todo::{ListId, token::random};

use crate::{home::Home, lists::Lists, page, storage::Opened};

const AGENT: &str = concat!("settee/", env!("CARGO_PKG_VERSION"));

/// Syncs all lists of the home whenever it is this tab's part, as long as the page lives.
pub async fn keep_synced(leadership: Leadership, home: Home, shown: Option<(ListId, Opened)>) {
    let mut part = leadership.part();
    loop {
        let now = *part.borrow_and_update();
        page::show_leader(now != Part::Follows);
        let is_superseded = async {
            if now == Part::Follows {
                std::future::pending::<()>().await;
            } else {
                sync(&leadership, &home, shown.clone(), now == Part::Leads).await;
            }
        };
        let changed = tokio::select! {
            biased;
            changed = part.changed() => changed,
            () = is_superseded => {
                leadership.step_down();
                part.changed().await
            }
        };
        if changed.is_err() {
            break;
        }
    }
}

/// Syncs until it is dropped, or until another tab has begun a later term.
async fn sync(
    leadership: &Leadership,
    home: &Home,
    shown: Option<(ListId, Opened)>,
    is_for_all: bool,
) {
    let connector = WebSocketConnector::new(page::sync_url());
    let chance = u64::from_le_bytes(random());
    let (client, run) = Client::new(connector, Limits::default(), AGENT, chance);
    let _device = watch_device(&client);
    let lists = Lists::new(home.clone(), client.clone(), shown, is_for_all);
    tokio::select! {
        biased;
        () = run => {}
        () = lists.follow_home() => {}
        () = lists.follow_status(leadership) => {}
        () = wake(leadership, &client, &lists) => {}
    }
}

/// Looks whether the server is there, and whether the tabs have something for it.
async fn wake(leadership: &Leadership, client: &Client, lists: &Lists) {
    let mut wakes = leadership.wakes();
    while wakes.changed().await.is_ok() {
        client.wake();
        lists.refresh().await;
    }
}
