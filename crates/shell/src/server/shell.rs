//! The page and its service worker, rendered when the server starts, and the router around them.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::{IntoView, config::LeptosOptions};

use super::{
    assets,
    build::Build,
    document::{Document, short_hash},
    error::ShellError,
    headers::{PERMISSIONS_POLICY, security_headers},
    policy::{self, Policy},
    render::Renderer,
    routes,
    site::Site,
};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// Where the browser finds the service worker.
const WORKER: &str = "/sw.js";
const WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");
const WORKER_SCOPE: HeaderValue = HeaderValue::from_static("/");

/// Builds the router of an app that opens without its server.
///
/// The page is rendered once and is the same for everybody and at every route, so the view must not
/// depend on the request. What differs by address or person is filled in by the browser after
/// hydration.
#[derive(Clone)]
pub struct Shell {
    site: Site,
    renderer: Renderer,
    routes: Vec<String>,
    sources: Vec<(String, String)>,
    permissions: Option<String>,
}

impl Shell {
    /// A shell that shows `view`: the whole document, from `<!DOCTYPE html>` on, with Leptos'
    /// `HydrationScripts`.
    ///
    /// It is rendered by `leptos_axum`, after all resources have loaded, so context, resources and
    /// `leptos_meta` work as usual. It sees a request for the first route without parameters, and no
    /// nonce.
    pub fn new<V: IntoView + 'static>(
        site: Site,
        view: impl Fn(LeptosOptions) -> V + Clone + Send + Sync + 'static,
    ) -> Self {
        let renderer = Renderer::new(view, site.options().clone());
        Self { site, renderer, routes: Vec::new(), sources: Vec::new(), permissions: None }
    }

    /// Answers this path of axum's with the page, such as `/` or `/notes/{note}`; without a server,
    /// the service worker answers the same paths. At least one needs to be without parameters.
    #[must_use]
    pub fn route(mut self, path: impl Into<String>) -> Self {
        self.routes.push(path.into());
        self
    }

    /// Allows the page one source more in its content security policy, such as `connect-src` and
    /// `https://api.example`. At first it may use its own origin, and submit no forms.
    #[must_use]
    pub fn allow(mut self, directive: impl Into<String>, source: impl Into<String>) -> Self {
        self.sources.push((directive.into(), source.into()));
        self
    }

    /// Replaces the permissions policy, which forbids camera, location, microphone, payment and USB.
    #[must_use]
    pub fn permissions_policy(mut self, policy: impl Into<String>) -> Self {
        self.permissions = Some(policy.into());
        self
    }

    /// Renders the page and makes the router: the routes, `/sw.js`, and the site's files as the
    /// fallback. All its answers have [`security_headers`]. Called within a tokio runtime.
    ///
    /// Under `cargo leptos watch` the page is rendered anew for each request, and `/sw.js` removes
    /// an earlier service worker, as it does for a build without hashes in the files' names.
    ///
    /// # Panics
    ///
    /// On routes that axum refuses: those that don't begin with `/`, or that overlap.
    pub async fn build(self) -> Result<Router, ShellError> {
        Ok(self.ready().await?.router)
    }

    /// The same as [`Shell::build`], for a server that tells pages by other ways which build it has.
    pub async fn ready(self) -> Result<Ready, ShellError> {
        let permissions = self.permissions.as_deref().map(policy::header).transpose()?;
        let rendered = Rendered::new(&self).await?;
        let build = rendered.build.clone();
        let pages = Arc::new(Pages { shell: self, rendered });
        let mut router = Router::new().route(WORKER, get(worker));
        for route in &pages.shell.routes {
            router = router.route(route, get(page));
        }
        let site = pages.shell.site.clone();
        let mut router = router.with_state(pages).merge(assets::router(site));
        if let Some(permissions) = permissions {
            router = router.layer(middleware::map_response(move |mut response: Response| {
                response.headers_mut().insert(PERMISSIONS_POLICY, permissions.clone());
                async { response }
            }));
        }
        Ok(Ready { router: security_headers(router), build })
    }

    fn policy(&self, html: &str) -> Result<HeaderValue, ShellError> {
        let mut policy = Policy::of_page(html);
        for (directive, source) in &self.sources {
            policy.allow(directive, source);
        }
        if self.site.is_watched {
            policy.allow_reload(self.site.options());
        }
        policy.header()
    }
}

/// A shell that can be served.
#[derive(Debug)]
pub struct Ready {
    /// The routes of the page, `/sw.js`, and the site's files.
    pub router: Router,
    /// The build's name: 16 hex digits.
    pub build: String,
}

impl Ready {
    /// What a server calls itself that has the shell of this build. A page that is told it, by
    /// `server_is` in the browser, knows whether it shows another build.
    pub fn agent(&self, program: &str) -> String {
        format!("{program}+{}", self.build)
    }
}

struct Pages {
    shell: Shell,
    rendered: Rendered,
}

struct Rendered {
    build: String,
    page: Document,
    worker: Document,
}

impl Rendered {
    async fn new(shell: &Shell) -> Result<Self, ShellError> {
        let Shell { site, routes, .. } = shell;
        let plain = routes::plain(routes).ok_or(ShellError::NoPlainRoute)?;
        let html = shell.renderer.html(plain).await?;
        let Build { name, html, worker } = Build::new(site, &html, plain, routes).await?;
        let policy = shell.policy(&html)?;
        let worker_tag = short_hash(worker.as_bytes());
        let page_headers = [(CONTENT_TYPE, HTML), (CONTENT_SECURITY_POLICY, policy)];
        let worker_headers = [(CONTENT_TYPE, JAVASCRIPT), (WORKER_ALLOWED, WORKER_SCOPE)];
        Ok(Self {
            page: Document::new(html, &name, HeaderMap::from_iter(page_headers)),
            worker: Document::new(worker, &worker_tag, HeaderMap::from_iter(worker_headers)),
            build: name,
        })
    }
}

async fn page(State(pages): State<Arc<Pages>>, asked: HeaderMap) -> Response {
    if !pages.shell.site.is_watched {
        return pages.rendered.page.answer(&asked);
    }
    match Rendered::new(&pages.shell).await {
        Ok(rendered) => rendered.page.answer(&asked),
        Err(error) => {
            tracing::warn!(%error, "the page can't be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn worker(State(pages): State<Arc<Pages>>, asked: HeaderMap) -> Response {
    pages.rendered.worker.answer(&asked)
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, extract::Request, http::header::CACHE_CONTROL};
    use leptos::prelude::*;
    use tower::ServiceExt;

    use super::*;

    async fn get(router: &Router, path: &str) -> (HeaderMap, String) {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (headers, String::from_utf8(body.into()).unwrap())
    }

    #[tokio::test]
    async fn a_watched_page_is_rendered_anew_and_not_kept() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let built = tempfile::tempdir().unwrap();
        let hashes = built.path().join("hash.txt");
        std::fs::write(&hashes, "js: J\nwasm: W\n").unwrap();
        let mut site = Site::at(built.path(), &hashes, "notes").unwrap();
        site.is_watched = true;
        let times = Arc::new(AtomicUsize::new(0));
        let view = move |_| view! { <p>{times.fetch_add(1, Ordering::Relaxed)}</p> };
        let router = Shell::new(site, view).route("/").build().await.unwrap();
        let (first, html) = get(&router, "/").await;
        let (second, later) = get(&router, "/").await;
        assert!(html.contains("<p>1</p>") && later.contains("<p>2</p>"), "{html} {later}");
        assert_ne!(first["etag"], second["etag"]);
        assert_eq!(first[CACHE_CONTROL], "no-cache");
        let policy = first[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("connect-src 'self' ws://*:3001;"), "{policy}");
        let (_, script) = get(&router, "/sw.js").await;
        assert!(script.contains("unregister") && script.contains("const PREFIX = \"notes-\";"));
    }
}
