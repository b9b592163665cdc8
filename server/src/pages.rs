//! The app's page: one text for everyone and every list, rendered when the server starts.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::{prelude::RenderHtml, reactive::owner::Owner};
use sha2::{Digest, Sha256};

use crate::{error::Error, headers::page_policy, service_worker, site::Site};

/// Kept by the browser, and asked about each time.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

pub fn router(site: Site) -> Result<Router, Error> {
    let pages = Arc::new(Pages { rendered: Rendered::new(&site)?, site });
    Ok(Router::new()
        .route("/", get(page))
        .route("/l/{list}", get(page))
        .route("/sw.js", get(worker))
        .with_state(pages))
}

struct Pages {
    site: Site,
    rendered: Rendered,
}

struct Rendered {
    page: Document,
    worker: Document,
}

/// A text with what browsers are told about it.
#[derive(Clone)]
struct Document {
    text: Bytes,
    kind: HeaderValue,
    etag: HeaderValue,
    policy: Option<HeaderValue>,
}

async fn page(State(pages): State<Arc<Pages>>, asked: HeaderMap) -> Response {
    if !pages.site.is_watched {
        return pages.rendered.page.answer(&asked);
    }
    match Rendered::new(&pages.site) {
        Ok(rendered) => rendered.page.answer(&asked),
        Err(error) => {
            tracing::warn!(%error, "the page can't be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn worker(State(pages): State<Arc<Pages>>, asked: HeaderMap) -> Response {
    let mut answer = pages.rendered.worker.answer(&asked);
    answer.headers_mut().insert("service-worker-allowed", HeaderValue::from_static("/"));
    answer
}

impl Rendered {
    fn new(site: &Site) -> Result<Self, Error> {
        let html = render(site);
        let reload_port = site.is_watched.then_some(site.options.reload_port);
        let policy = page_policy(&html, reload_port);
        let build = service_worker::build_id(site, &html)?;
        let worker = service_worker::script(site, &build)?;
        let worker_tag = short_hash(worker.as_bytes());
        Ok(Self {
            page: Document::new(html, HTML, &build, HeaderValue::try_from(policy).ok()),
            worker: Document::new(worker, JAVASCRIPT, &worker_tag, None),
        })
    }
}

impl Document {
    fn new(text: String, kind: HeaderValue, tag: &str, policy: Option<HeaderValue>) -> Self {
        let etag = HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(NO_CACHE);
        Self { text: text.into(), kind, etag, policy }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let is_known = asked.get(IF_NONE_MATCH).is_some_and(|tag| tag == self.etag);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, self.kind.clone())], self.text.clone()).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, NO_CACHE);
        if let Some(policy) = &self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

fn render(site: &Site) -> String {
    let owner = Owner::new();
    let html = owner.with(|| settee_app::shell(site.options.clone()).to_html());
    owner.cleanup();
    html
}

/// Enough of a hash to tell one build from another.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..8])
}
