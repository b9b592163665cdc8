//! What a push service says, as the sender tells it.

use std::time::Duration;

use settee_push::{Options, SendError};

use crate::browser::Browser;
use crate::service::Service;
use crate::{config, sender};

async fn outcome(service: &Service, path: &str) -> Result<(), SendError> {
    let subscription = Browser::new().subscription(&service.endpoint(path));
    sender(config()).send(&subscription, b"hello", &Options::default()).await
}

#[tokio::test]
async fn each_answer_is_told() {
    let service = Service::start().await;
    for (path, expected) in [
        ("/status/201", Ok(())),
        ("/status/202", Ok(())),
        ("/status/204", Ok(())),
        ("/status/400", Err(SendError::Refused(400))),
        ("/status/401", Err(SendError::Refused(401))),
        ("/status/403", Err(SendError::Refused(403))),
        ("/status/404", Err(SendError::Gone)),
        ("/status/410", Err(SendError::Gone)),
        ("/status/413", Err(SendError::TooLong)),
        ("/status/429", Err(SendError::Later(None))),
        ("/status/500", Err(SendError::Later(None))),
        ("/status/503", Err(SendError::Later(None))),
        ("/retry/429/30", Err(SendError::Later(Some(Duration::from_secs(30))))),
        ("/retry/503/999999", Err(SendError::Later(Some(Duration::from_hours(24))))),
        ("/retry/429/soon", Err(SendError::Later(None))),
        ("/retry/410/30", Err(SendError::Gone)),
    ] {
        assert_eq!(outcome(&service, path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut service = Service::start().await;
    assert_eq!(outcome(&service, "/redirect").await, Err(SendError::Refused(307)));
    // One after it, so that none can still be on its way.
    outcome(&service, "/status/204").await.unwrap();
    let paths: Vec<_> = service.messages().into_iter().map(|message| message.path).collect();
    assert_eq!(paths, ["/redirect", "/status/204"]);
}
