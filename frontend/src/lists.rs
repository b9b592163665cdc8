//! The databases of the lists that this device knows, each with its place at the server.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use settee_client::{ChannelStatus, Client, Replica, client::Opening};
use settee_sync::DenialCode;
use settee_todo::{ListId, Role, Token};

use crate::{
    home::{Home, Known},
    storage::{self, Opened},
};

/// The lists that are open, whether or not they are on the screen: all are kept in sync.
#[derive(Clone)]
pub struct Lists {
    home: Home,
    client: Client,
    open: Rc<RefCell<HashMap<ListId, OpenList>>>,
}

#[derive(Clone)]
pub struct OpenList {
    pub opened: Opened,
    pub replica: Replica,
    /// What is shown to the server, and what may be when that is denied.
    shown: Token,
    others: Vec<Token>,
    granted: Option<Role>,
}

impl Lists {
    pub fn new(home: Home, client: Client) -> Self {
        Self { home, client, open: Rc::default() }
    }

    pub fn get(&self, list: &ListId) -> Option<OpenList> {
        self.open.borrow().get(list).cloned()
    }

    /// Opens a list, if it isn't.
    pub async fn open(&self, known: &Known) -> Option<OpenList> {
        if let Some(open) = self.get(&known.list) {
            return Some(open);
        }
        let mut tokens = known.entry.tokens.iter().cloned();
        let shown = tokens.next()?;
        let opened = storage::open(known.list.as_str()).await;
        let opening = Opening {
            database: opened.database.clone(),
            name: known.list.to_string(),
            credentials: shown.as_bytes().to_vec(),
            is_lazy: shown.list_id() == known.list,
        };
        let replica = self.client.open(opening).await.ok()?;
        let granted = known.entry.role(&known.list);
        let others = tokens.collect();
        let open = OpenList { opened, replica, shown, others, granted };
        self.open.borrow_mut().insert(known.list.clone(), open.clone());
        Some(open)
    }

    /// Writes down what the server has granted, and shows other tokens where it has denied one.
    pub async fn learn(&self) {
        let status = self.client.status().borrow().clone();
        let lists: Vec<(ListId, Replica)> =
            self.open.borrow().iter().map(|(list, open)| (list.clone(), open.replica)).collect();
        for (list, replica) in lists {
            let Some(replica_status) = status.replicas.get(&replica) else { continue };
            match &replica_status.channel {
                ChannelStatus::Open => self.granted(&list, replica_status.role).await,
                ChannelStatus::Denied(denial)
                    if matches!(denial.code, DenialCode::Denied | DenialCode::Revoked) =>
                {
                    self.denied(&list, replica).await;
                }
                _ => {}
            }
        }
    }

    async fn granted(&self, list: &ListId, role: Option<Role>) {
        let Some(role) = role else { return };
        let shown = {
            let mut lists = self.open.borrow_mut();
            let Some(open) = lists.get_mut(list) else { return };
            if open.granted == Some(role) && open.others.is_empty() {
                return;
            }
            open.granted = Some(role);
            // One that is good is enough.
            open.others.clear();
            open.shown.clone()
        };
        let learn = |entry: &mut settee_todo::HomeEntry| {
            let before = entry.clone();
            entry.prefer(&shown);
            entry.set_role(role);
            *entry != before
        };
        self.home.change(list, learn).await;
    }

    async fn denied(&self, list: &ListId, replica: Replica) {
        let next = {
            let mut lists = self.open.borrow_mut();
            let Some(open) = lists.get_mut(list) else { return };
            if open.others.is_empty() {
                return;
            }
            open.shown = open.others.remove(0);
            open.shown.clone()
        };
        // It fails when the client has stopped, and the page is going away.
        let _ = self.client.set_credentials(replica, next.as_bytes().to_vec()).await;
    }
}

impl OpenList {
    pub fn role(&self, list: &ListId) -> Option<Role> {
        if self.shown.list_id() == *list { Some(Role::Owner) } else { self.granted }
    }

    /// The token that hands out a role, if this device can.
    pub fn token_for(&self, list: &ListId, role: Role) -> Option<Token> {
        let mine = self.role(list)?;
        match (mine, role) {
            (Role::Owner, Role::Owner)
            | (Role::Editor, Role::Editor)
            | (Role::Viewer, Role::Viewer) => Some(self.shown.clone()),
            (Role::Owner, Role::Editor) => Some(self.shown.editor(0)),
            (Role::Owner, Role::Viewer) => Some(self.shown.editor(0).viewer()),
            (Role::Editor, Role::Viewer) => Some(self.shown.viewer()),
            _ => None,
        }
    }
}
