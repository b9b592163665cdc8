//! One todo that all clients edit at the same time, over a base that is as large as a body may be.

use serde_json::{Map, Value, json};
use settee::client::ConnectionStatus;
use settee_leptos::position;
use settee_todo::new_todo_id;

use super::{Result, member::Member};

/// How many small values the base has: about a million bytes of them.
const VALUES: usize = 140_000;

/// Returns once the server has the todo with every client's version.
pub async fn quarrel(members: &[Member]) -> Result<()> {
    let id = new_todo_id();
    let todo = |title: &str| {
        let mut fields = Map::new();
        fields.insert("completed".to_owned(), false.into());
        fields.insert("position".to_owned(), position::after(None).into());
        fields.insert("title".to_owned(), title.into());
        fields
    };
    let mut base = todo("quarrel");
    base.insert("x".to_owned(), vec![json!({"": 0}); VALUES].into());
    let Some(first) = members.first() else { return Ok(()) };
    first.database.put(id.as_str(), &Value::Object(base)).await?;
    first.database.up_to_date().await?;
    for member in members {
        member.database.up_to_date().await?;
        member.database.client().go_offline();
        let mut status = member.database.client().status();
        status.wait_for(|status| status.connection != ConnectionStatus::Online).await?;
    }
    for (number, member) in members.iter().enumerate() {
        let version = Value::Object(todo(&format!("quarrel {number}")));
        member.database.put(id.as_str(), &version).await?;
    }
    for member in members {
        member.wake();
        member.database.up_to_date().await?;
    }
    Ok(())
}
