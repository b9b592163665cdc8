//! The clerk of a list, who works on the server: gives out places, and notes when people were here.

mod places;
mod seen;

use settee_keys::access::says_who_may;
use settee_store::{
    BackendError, Document, DocumentId,
    backend::BoxFuture,
    clerk::{Answer, Clerk, Desk},
};

use crate::{document::TODO_PREFIX, places::ASK_PREFIX};

/// Works on lists.
#[derive(Debug, Clone, Copy)]
pub struct ListClerk {
    /// Which day it is, counted from the first of January 1970.
    pub today: fn() -> u64,
}

impl Clerk for ListClerk {
    fn name(&self) -> &'static str {
        // From when it did nothing else.
        "places"
    }

    fn follows(&self, id: &DocumentId) -> bool {
        let is_about_places =
            [ASK_PREFIX, TODO_PREFIX].iter().any(|it| id.as_str().starts_with(it));
        is_about_places || says_who_may(id)
    }

    fn answer<'a>(
        &'a self,
        desk: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        Box::pin(async move {
            let mut answers = places::decide(desk, &changed).await?;
            answers.extend(seen::forget(desk, &changed).await?);
            Ok(answers)
        })
    }

    fn greet<'a>(
        &'a self,
        desk: Desk<'a>,
        grants: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        Box::pin(async move {
            Ok(seen::note(desk, &grants, (self.today)()).await?.into_iter().collect())
        })
    }
}
