//! Renders the page as `leptos_axum` does, but once for everybody.

use std::{pin::Pin, sync::Arc, time::Duration};

use any_spawner::Executor;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header::ACCEPT},
    response::Response,
};
use leptos::{IntoView, config::LeptosOptions, nonce::Nonce, reactive::owner::take_context};
use leptos_axum::render_app_async_with_context;

use super::error::ShellError;

/// How long the view may wait for its resources.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest page, in bytes.
const LIMIT: usize = 16 << 20;

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Renders the view, whatever its type.
#[derive(Clone)]
pub(super) struct Renderer(Arc<dyn Fn(Request) -> Answer + Send + Sync>);

impl Renderer {
    pub(super) fn new<V: IntoView + 'static>(
        view: impl Fn(LeptosOptions) -> V + Clone + Send + Sync + 'static,
        options: LeptosOptions,
    ) -> Self {
        let view = move || view(options.clone());
        Self(Arc::new(render_app_async_with_context(forget_nonce, view)))
    }

    /// The page at `path`, with all that its resources have loaded.
    pub(super) async fn html(&self, path: &str) -> Result<String, ShellError> {
        // It fails if the app has chosen one already, which does as well.
        let _ = Executor::init_tokio();
        let mut request = Request::new(Body::empty());
        // As a browser asks for a page. leptos_axum redirects others in another way.
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/html"));
        *request.uri_mut() = path.try_into().map_err(|error| ShellError::Page(Box::new(error)))?;
        let rendered = tokio::time::timeout(PATIENCE, async {
            let response = self.0(request).await;
            if response.status() != StatusCode::OK {
                return Err(ShellError::Status { status: response.status().as_u16() });
            }
            let page = to_bytes(response.into_body(), LIMIT).await;
            let page = page.map_err(|error| ShellError::Page(error.into()))?;
            String::from_utf8(page.into()).map_err(|error| ShellError::Page(error.into()))
        });
        rendered.await.map_err(|_| ShellError::Slow { seconds: PATIENCE.as_secs() })?
    }
}

/// A nonce is worth something only if it differs from answer to answer, and this page is the same
/// in all. The policy names its scripts by their hash instead.
fn forget_nonce() {
    take_context::<Nonce>();
}
