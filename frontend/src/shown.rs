//! The list on the screen: the one that the address names.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::prelude::*;
use settee::{Error, Settee, Synced, leptos::follow};
use settee_app::{CurrentList, StatusKind, StatusView};
use settee_todo::document::LINKS;

use crate::{
    lists::Known,
    page,
    session::{ADDRESS, Signals},
};

pub struct Shown {
    settee: Settee,
    signals: Signals,
    /// None if the address names no list that this device knows.
    list: RefCell<Option<List>>,
    /// How many times a list was asked for: only the last one is shown.
    asked: Cell<u64>,
    /// What follows the list ends when another is shown.
    following: Owner,
}

#[derive(Clone)]
pub struct List {
    /// As of when it was opened.
    pub known: Known,
    pub list: Synced,
}

impl Shown {
    /// Nothing is shown yet. All that follows ends with the owner.
    pub fn new(settee: Settee, signals: Signals, owner: &Owner) -> Self {
        let following = owner.with(Owner::new);
        Self { settee, signals, list: RefCell::default(), asked: Cell::new(0), following }
    }

    pub fn list(&self) -> Option<List> {
        self.list.borrow().clone()
    }

    /// Shows the list of a path, which is the address then, or what the address names already. What is
    /// typed goes to the list that is on the screen, so the address changes together with it.
    pub async fn show_at(&self, path: Option<&str>) -> Result<(), Error> {
        let place = path.map_or_else(|| ADDRESS.read(), |path| LINKS.read(path, "")).place;
        let asked = self.asked.get() + 1;
        self.asked.set(asked);
        let opened = match Known::at(&place, &self.settee.kept().await?) {
            Some(known) if self.list().is_some_and(|shown| shown.known.id() == known.id()) => {
                // The address may be that of a list which was about to come.
                if let Some(path) = path.filter(|_| ADDRESS.read().place != place) {
                    page::go_to(path);
                }
                return Ok(());
            }
            Some(known) => {
                let list = self.settee.database(known.id().as_str()).await?;
                Some(List { known, list })
            }
            None => None,
        };
        // Another list may have been asked for meanwhile.
        if self.asked.get() == asked {
            if let Some(path) = path {
                page::go_to(path);
            }
            self.show(opened);
        }
        Ok(())
    }

    fn show(&self, list: Option<List>) {
        self.following.cleanup();
        self.list.replace(list.clone());
        let current = list.as_ref().map(|List { known, list }| CurrentList {
            id: known.id().to_string(),
            name: known.name.clone(),
            role: known.keys.role(),
            keys: known.keys.clone(),
            is_revoked: known.is_revoked,
            database: list.database().clone(),
            held: Rc::new(list.clone()),
        });
        self.signals.current.set(current);
        match list {
            Some(list) => self.following.with(|| self.follow(list)),
            None => self.signals.status.set(StatusView::unknown_list()),
        }
    }

    fn follow(&self, List { known, list }: List) {
        let signals = self.signals;
        follow(list.status(), async move |status| {
            let view = StatusView::of(&status, known.is_own);
            if view.kind == StatusKind::Update {
                settee_shell::look_for_update();
            }
            signals.status.maybe_update(|shown| std::mem::replace(shown, view.clone()) != view);
        });
    }
}
