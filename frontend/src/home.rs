//! The lists that this device knows, in a database of its own.

use settee_store::{Body, Change, Database, Edit, Record, operation::OperationError};
use settee_todo::{
    HomeEntry, ListId, Role, Token,
    document::{HOME_PREFIX, home_entry_id, home_first_id},
};

#[derive(Clone)]
pub struct Home {
    database: Database,
}

/// A list that this device knows.
#[derive(Clone)]
pub struct Known {
    pub list: ListId,
    pub entry: HomeEntry,
    /// The device's own first list.
    pub is_first: bool,
}

impl Known {
    pub fn role(&self) -> Option<Role> {
        self.entry.role(&self.list)
    }

    /// The token that hands out a role, if this device can.
    pub fn token_for(&self, role: Role) -> Option<Token> {
        let mine = self.entry.tokens.first()?;
        match (self.role()?, role) {
            (Role::Owner, Role::Owner)
            | (Role::Editor, Role::Editor)
            | (Role::Viewer, Role::Viewer) => Some(mine.clone()),
            (Role::Owner, Role::Editor) => Some(mine.editor(0)),
            (Role::Owner, Role::Viewer) => Some(mine.editor(0).viewer()),
            (Role::Editor, Role::Viewer) => Some(mine.viewer()),
            _ => None,
        }
    }
}

impl Home {
    /// The home, with a first list in it.
    pub async fn new(database: Database) -> Self {
        let home = Self { database };
        let first = HomeEntry::new(Token::generate());
        // Where there is one already, from before or from another tab, that one stays.
        home.write(home_first_id(), Vec::new(), &first).await;
        home
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// All lists, the first one in front, and the others in the order they came.
    pub async fn lists(&self) -> Vec<Known> {
        let records = self.database.changes(0, usize::MAX).await.unwrap_or_default();
        let mut lists: Vec<Known> = records.iter().filter_map(|record| read(record)).collect();
        lists.sort_by_key(|known| (!known.is_first, known.entry.name.to_lowercase()));
        lists
    }

    pub async fn find(&self, list: &ListId) -> Option<Known> {
        self.lists().await.into_iter().find(|known| known.list == *list)
    }

    /// Makes the list known, or known by another token too.
    pub async fn join(&self, list: &ListId, token: Token) {
        if self.find(list).await.is_some() {
            self.change(list, |entry| entry.offer(list, token.clone())).await;
        } else {
            self.write(home_entry_id(list), Vec::new(), &HomeEntry::new(token)).await;
        }
    }

    /// Changes what is known of a list. `change` tells whether it did.
    pub async fn change(&self, list: &ListId, change: impl Fn(&mut HomeEntry) -> bool) {
        let first = self.database.get(&home_first_id()).await.ok().flatten();
        let is_first = first.as_ref().and_then(entry_of).is_some_and(|entry| names(&entry, list));
        let id = if is_first { home_first_id() } else { home_entry_id(list) };
        let Ok(Some(document)) = self.database.get(&id).await else { return };
        let Some(mut entry) = entry_of(&document) else { return };
        if change(&mut entry) {
            self.write(id, document.leaves, &entry).await;
        }
    }

    /// What can't be saved here is reported by the list itself, where it matters more.
    async fn write(
        &self,
        id: settee_store::DocumentId,
        seen: Vec<settee_store::Revision>,
        entry: &HomeEntry,
    ) {
        let Ok(body) = Body::from_serialize(entry) else { return };
        let edit = Edit { id, seen, change: Change::Put(body) };
        let outcomes = self.database.write(vec![edit]).await;
        debug_assert!(
            !matches!(outcomes.as_deref(), Ok([Err(OperationError::Differs)])),
            "an edit makes a new revision"
        );
    }
}

fn read(record: &Record) -> Option<Known> {
    let document = record.document().filter(|document| !document.deleted)?;
    let entry = entry_of(&document)?;
    match document.id.as_str().strip_prefix(HOME_PREFIX) {
        Some(id) => Some(Known { list: id.parse().ok()?, entry, is_first: false }),
        None if document.id == home_first_id() => {
            Some(Known { list: entry.tokens.first()?.list_id(), entry, is_first: true })
        }
        None => None,
    }
}

fn entry_of(document: &settee_store::Document) -> Option<HomeEntry> {
    serde_json::from_str(document.body.as_str()).ok()
}

fn names(entry: &HomeEntry, list: &ListId) -> bool {
    entry.tokens.first().is_some_and(|token| token.list_id() == *list)
}
