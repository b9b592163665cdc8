//! The todo server: the kit with the app's policy and validator, and the app's pages.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::Router;
use settee::{
    server::{Creation, Helping, KeysPolicy, Kit, Limits, Origin, Quotas},
    store::Sqlite,
};
use settee_shell::{Shell, Site, security_headers};
use settee_todo::{
    clerk::ListClerk,
    document::{HOME_KIND, KIND, TODO_PREFIX},
    places::ASK_PREFIX,
    validate::{HELPERS_FIELDS, UNASKED_FIELDS},
};
use tokio::net::TcpListener;

use crate::{error::Error, notices::ListNotifier, push::PushFlags};

/// Helpers tick all todos, add some where they are allowed to, and change what they have added.
const HELPING_WITH_TODOS: Helping = Helping {
    prefix: TODO_PREFIX,
    fields: HELPERS_FIELDS,
    settles: UNASKED_FIELDS,
    by_leave: true,
};
/// They take places.
const HELPING_WITH_PLACES: Helping =
    Helping { prefix: ASK_PREFIX, fields: &[], settles: &[], by_leave: false };

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of its data.
    pub data: PathBuf,
    /// The app's pages. Without them, the server only syncs.
    pub site: Option<Site>,
    /// Addresses that pages may connect from, besides the server's own.
    pub origins: Vec<Origin>,
    /// Who may bring lists.
    pub creation: Creation,
    /// What strangers may use.
    pub quotas: Quotas,
    /// The protocol's limits.
    pub limits: Limits,
    /// Whether devices are told of changes while no page is open.
    pub push: PushFlags,
}

impl Settings {
    /// A server that only syncs, within the usual limits.
    pub fn new(data: impl AsRef<Path>) -> Self {
        Self {
            data: data.as_ref().to_owned(),
            site: None,
            origins: Vec::new(),
            creation: Creation::Open,
            quotas: Quotas::default(),
            limits: Limits::default(),
            push: PushFlags::default(),
        }
    }
}

/// A server that is ready to listen.
pub struct Service {
    kit: Kit,
    app: Router,
}

impl Service {
    /// Opens the databases and renders the page.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        let Settings { data, site, origins, creation, quotas, limits, push } = settings;
        let mut agent = concat!("settee/", env!("CARGO_PKG_VERSION")).to_owned();
        let mut app = Router::new();
        if let Some(site) = site {
            let shell = Shell::new(site, settee_app::shell);
            let shell = shell.route("/").route("/l/{list}").route("/l/{list}/");
            let ready = shell.ready().await?;
            agent = ready.agent(&agent);
            app = ready.router;
        }
        let mut kit = Kit::builder(Sqlite::open_folder(&data)?)
            .policy(KeysPolicy::new(KIND).homes(HOME_KIND).creation(creation))
            .kind(KIND, settee_todo::validate)
            .kind(HOME_KIND, settee::keys::home::check)
            .helping(KIND, HELPING_WITH_TODOS)
            .helping(KIND, HELPING_WITH_PLACES)
            .clerk(KIND, ListClerk { today })
            .notifier(KIND, ListNotifier)
            .origins(origins)
            .quotas(quotas)
            .limits(limits)
            .agent(agent);
        if let Some((courier, timing)) = push.courier(&data)? {
            kit = kit.courier(courier, timing);
        }
        let kit = kit.build();
        let app = app.merge(security_headers(kit.router()));
        Ok(Self { kit, app })
    }

    /// Serves until `stop` completes. Then everybody is told, and what was accepted is written.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        Ok(self.kit.serve(listener, self.app, stop).await?)
    }
}

/// The day by the server's clock, counted from the first of January 1970.
fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / (24 * 60 * 60)
}
