//! A text in memory, with what browsers are told about it.

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::assets::NO_CACHE;

/// Browsers keep it and ask each time whether it has changed.
pub(super) struct Document {
    text: Bytes,
    etag: HeaderValue,
    /// Its type, and what else every answer carries.
    headers: HeaderMap,
}

impl Document {
    /// `tag` is text that names this version: digits and letters.
    pub(super) fn new(text: String, tag: &str, mut headers: HeaderMap) -> Self {
        let etag =
            HeaderValue::try_from(format!("\"{tag}\"")).expect("a tag is digits and letters");
        headers.insert(ETAG, etag.clone());
        headers.insert(CACHE_CONTROL, NO_CACHE);
        Self { text: text.into(), etag, headers }
    }

    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let mut headers = self.headers.clone();
        if is_known(asked, &self.etag) {
            headers.remove(CONTENT_TYPE);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, self.text.clone()).into_response()
    }
}

/// Whether the browser has this version. RFC 9110, 13.1.2: weak tags count, too.
fn is_known(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    asked.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok()).any(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

/// Enough of a hash to tell one build from another: 16 hex digits.
pub(super) fn short_hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..8])
}
