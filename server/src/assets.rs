//! The site's files: those with a hash in their name are kept for ever, others are asked about.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderValue,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, VARY},
    },
    middleware::{self, Next},
    response::Response,
};
use tower_http::services::ServeDir;

use crate::site::Site;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// What no other route answers.
pub fn router(site: Site) -> Router {
    let files = ServeDir::new(&site.root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(Arc::new(site), keep))
}

async fn keep(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let is_immutable = site.is_immutable(request.uri().path());
    let mut response = next.run(request).await;
    let is_there = !response.status().is_client_error() && !response.status().is_server_error();
    let cache = if is_immutable && is_there { FOR_EVER } else { NO_CACHE };
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response.headers_mut().insert(VARY, ACCEPT_ENCODING.into());
    response
}
