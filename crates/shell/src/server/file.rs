//! A file as browsers get it, by which a service worker knows it from a portal's answer.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE},
};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::error::ShellError;

/// The largest file of a site, in bytes.
const LIMIT: usize = 1 << 30;

/// Address, type and hash.
pub(super) struct File {
    address: String,
    /// Such as `text/css`, without parameters.
    kind: String,
    /// As `fetch` checks it: `sha256-` and base64.
    integrity: String,
}

impl File {
    pub(super) fn new(address: &str, kind: &str, content: &[u8]) -> Self {
        let integrity = format!("sha256-{}", BASE64.encode(&Sha256::digest(content)));
        let kind = kind.split(';').next().unwrap_or_default();
        Self { address: address.to_owned(), kind: kind.to_owned(), integrity }
    }

    /// Asks the router that will answer browsers, so that both are told the same.
    pub(super) async fn served(router: &Router, address: &str) -> Result<Self, ShellError> {
        let failed = |problem: String| ShellError::File { address: address.to_owned(), problem };
        let request = Request::get(address).body(Body::empty());
        let request = request.map_err(|error| failed(error.to_string()))?;
        let Ok(response) = router.clone().oneshot(request).await;
        if response.status() != StatusCode::OK {
            return Err(failed(format!("status {}", response.status())));
        }
        let (parts, body) = response.into_parts();
        let content = to_bytes(body, LIMIT).await.map_err(|error| failed(error.to_string()))?;
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Ok(Self::new(address, kind.unwrap_or_default(), &content))
    }

    /// As a JavaScript array. Debug writes texts as JavaScript reads them.
    pub(super) fn script(&self) -> String {
        format!("{:?}", [&self.address, &self.kind, &self.integrity])
    }
}
