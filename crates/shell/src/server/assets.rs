//! The site's files: browsers keep those with a hash in their name, and ask about the others.

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
use leptos_axum::site_pkg_dir_service;

use super::site::Site;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers what no other route does: with a file, compressed if there is such a copy of it, or
/// with 404.
pub(super) fn router(site: Site) -> Router {
    let files = site_pkg_dir_service(site.options()).append_index_html_on_directories(false);
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(Arc::new(site), cache))
}

async fn cache(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let is_built = site.built_files().iter().any(|file| file == request.uri().path());
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let cache = if is_built && !is_error { IMMUTABLE } else { NO_CACHE };
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response.headers_mut().insert(VARY, ACCEPT_ENCODING.into());
    response
}
