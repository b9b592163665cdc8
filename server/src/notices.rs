//! What devices are told of lists: see [`settee_todo::notice`].

use std::sync::Arc;

use settee::{
    server::{Desk, Notifier, Reader},
    store::{BackendError, Record, backend::BoxFuture},
};
use settee_todo::{
    ListInfo,
    document::list_info_id,
    notice::{Notice, notice},
};

/// Tells what others have added and ticked.
pub struct ListNotifier;

impl Notifier for ListNotifier {
    fn notice<'a>(
        &'a self,
        desk: Desk<'a>,
        to: Reader<'a>,
        changed: &'a [Arc<Record>],
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(async move {
            let info = desk.read(vec![list_info_id()]).await?.pop().flatten();
            let info: ListInfo = info.and_then(|info| info.body.read().ok()).unwrap_or_default();
            let who = to.who.unwrap_or_default();
            let notice = notice(to.database, &info.name, who, to.told, changed);
            Ok(notice.as_ref().map(Notice::encode))
        })
    }
}
