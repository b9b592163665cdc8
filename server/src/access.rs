//! The todo app's policy: who holds a list's token has its role, and owners bring their lists.

use std::sync::Arc;

use settee_store::{BackendError, backend::BoxFuture};
use settee_sync::{Access, Authorize, Denial, DenialCode, Role};
use settee_todo::{
    access::{Verifiers, judge},
    token::{ListId, Token},
};

use crate::{databases::Databases, telemetry::short};

pub struct TodoAccess {
    databases: Arc<Databases>,
}

impl TodoAccess {
    pub fn new(databases: Arc<Databases>) -> Self {
        Self { databases }
    }

    async fn decide(&self, list: ListId, token: Token) -> Result<Role, Denial> {
        let name = list.as_str();
        let failed = |error: BackendError| {
            tracing::error!(database = short(name), %error, "can't decide on access");
            Denial::new(DenialCode::Unavailable, "the server can't look up the list now")
        };
        let kept = self.databases.meta(name).await.map_err(failed)?;
        let verifiers = kept.as_deref().and_then(Verifiers::decode);
        let role = judge(&list, &token, verifiers.as_ref())?;
        if role == Role::Owner && kept.is_none() {
            let verifiers = Verifiers::of_owner(&token).encode();
            self.databases.create(name, verifiers).await.map_err(failed)?;
            tracing::info!(database = short(name), "created");
        }
        Ok(role)
    }
}

impl Authorize for TodoAccess {
    fn authorize(
        &self,
        database: String,
        credentials: Vec<u8>,
    ) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(async move {
            let denied = |message| Denial::new(DenialCode::Denied, message);
            let list = database.parse().map_err(|_| denied("there is no list of that name"))?;
            let token =
                Token::from_bytes(&credentials).map_err(|_| denied("this link is incomplete"))?;
            self.decide(list, token).await.map(Access::lasting)
        })
    }
}
