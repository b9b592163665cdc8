//! The shell of a small app that has nothing else to do with this workspace.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    routing::get,
};
use data_encoding::BASE64;
use leptos::prelude::*;
use regex::Regex;
use settee_shell::{Shell, ShellError, Site, security_headers};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower::ServiceExt;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const ROUTES: [&str; 4] = ["/recipe/{id}", "/", "/help/{*page}", "/what.is"];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

/// A built site, which lives as long as the folder.
fn built() -> TempDir {
    let built = tempfile::tempdir().unwrap();
    let site = built.path().join("site");
    write(&site, "pkg/recipes.J5.js", "export default 1");
    write(&site, "pkg/recipes.J5.js.br", "not really brotli");
    write(&site, "pkg/recipes.J5.js.gz", "not really gzip");
    write(&site, "pkg/recipes.W5.wasm", b"\0asm");
    write(&site, "pkg/recipes.C5.css", "p{}");
    write(&site, "pkg/recipes.old.js", "of another build");
    write(&site, "pkg/recipes.d.T5.ts", "types");
    write(&site, "pkg/snippets/part.js", "loaded by the script");
    write(
        &site,
        "pkg/__wasm_split.S5.js",
        "fetch(new URL(\"./split_late.P5.wasm\", import.meta.url))",
    );
    write(
        &site,
        "pkg/__wasm_split.old.js",
        "fetch(new URL(\"./split_late.old.wasm\", import.meta.url))",
    );
    write(&site, "pkg/__wasm_split_manifest.M5.json", "{\"late\": [\"split_late\"]}");
    write(&site, "pkg/split_late.P5.wasm", b"\0asm");
    write(&site, "pkg/split_late.old.wasm", b"\0asm");
    write(&site, "pkg/chunk_0.old.wasm", b"\0asm");
    write(&site, "manifest.webmanifest", "{}");
    write(&site, "icon.svg", "<svg/>");
    write(&site, "fonts/my font.woff2", "font");
    write(built.path(), "hash.txt", "js: J5\nwasm: W5\ncss: C5\nmanifest: M5\nsplit: S5\n");
    built
}

fn site(built: &TempDir) -> Site {
    Site::at(&built.path().join("site"), &built.path().join("hash.txt"), "recipes").unwrap()
}

fn document(options: LeptosOptions) -> impl IntoView {
    let stylesheet = options.css_path();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <title>"Recipes"</title>
                <link rel="stylesheet" href=stylesheet />
                <HydrationScripts options />
            </head>
            <body>
                <main>
                    <h1>"Recipes"</h1>
                </main>
            </body>
        </html>
    }
}

async fn shell(built: &TempDir) -> Router {
    let shell = Shell::new(site(built), document);
    let shell = ROUTES.into_iter().fold(shell, Shell::route);
    shell.build().await.unwrap()
}

#[tokio::test]
async fn the_page_is_the_same_at_every_route() {
    let built = built();
    let router = shell(&built).await;
    let page = ask(&router, "/", &[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    for name in ["recipes.J5.js", "recipes.W5", "<h1>Recipes</h1>"] {
        assert!(page.text().contains(name), "{name} in {}", page.text());
    }
    assert!(!page.text().contains("nonce"), "{}", page.text());
    for other in ["/recipe/7", "/recipe/x", "/?from=elsewhere", "/help/a/b", "/what.is"] {
        assert_eq!(ask(&router, other, &[]).await.body, page.body, "{other}");
    }
    let tag = page.header("etag");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = ask(&router, "/recipe/7", &[("If-None-Match", &known)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert!(!again.header("content-security-policy").is_empty());
    }
    let other = ask(&router, "/", &[("If-None-Match", "\"other\"")]).await;
    assert_eq!((other.status, other.body), (StatusCode::OK, page.body));
}

#[tokio::test]
async fn two_servers_of_one_build_serve_the_same() {
    let built = built();
    let (one, other) = (shell(&built).await, shell(&built).await);
    for path in ["/", "/sw.js"] {
        let (first, second) = (ask(&one, path, &[]).await, ask(&other, path, &[]).await);
        assert_eq!(first.body, second.body, "{path}");
        assert_eq!(first.headers, second.headers, "{path}");
    }
}

#[tokio::test]
async fn the_page_may_do_what_it_needs_and_nothing_else() {
    let built = built();
    let router = shell(&built).await;
    let page = ask(&router, "/", &[]).await;
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "'wasm-unsafe-eval'"] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains("ws:"), "{policy}");
    let html = page.text();
    let (_, script) = html.split_once("<script type=\"module\">").expect("an inline script");
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = BASE64.encode(&Sha256::digest(script));
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
    assert_eq!(html.matches("<script").count(), policy.matches("'sha256-").count());
}

/// As `fetch` checks it.
fn integrity(content: &[u8]) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(content)))
}

#[tokio::test]
async fn the_page_has_a_script_that_works_where_the_app_does_not() {
    let built = built();
    let page = ask(&shell(&built).await, "/", &[]).await;
    let (head, _) = page.text().split_once("</head>").unwrap();
    let (_, script) = head.rsplit_once("<script>").unwrap();
    let script = script.strip_suffix("</script>").expect("the script ends the head");
    assert!(script.starts_with("globalThis.setteeShell = "), "{script}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains(&integrity(script.as_bytes())), "{policy}");
    assert!(script.contains(&format!("const BUILD = {};", page.header("etag"))), "{script}");
    assert!(script.len() < 4_500, "{} bytes", script.len());
}

#[tokio::test]
async fn what_loads_the_parts_is_asked_for_with_what_imports_it() {
    let built = built();
    let html = ask(&shell(&built).await, "/", &[]).await.text().to_owned();
    let modules = html.matches("<link rel=\"modulepreload\" href=\"/pkg/");
    assert_eq!(modules.count(), 2, "{html}");
    assert!(
        html.contains("<link rel=\"modulepreload\" href=\"/pkg/__wasm_split.S5.js\">"),
        "{html}"
    );
    // A site in one piece names one alone.
    write(built.path(), "hash.txt", "js: J5\nwasm: W5\ncss: C5\n");
    let html = ask(&shell(&built).await, "/", &[]).await.text().to_owned();
    assert_eq!(html.matches("modulepreload").count(), 1, "{html}");
}

#[tokio::test]
async fn a_server_can_name_its_build() {
    let built = built();
    let ready = Shell::new(site(&built), document).route("/").ready().await.unwrap();
    let page = ask(&ready.router, "/", &[]).await;
    assert_eq!(page.header("etag"), format!("\"{}\"", ready.build));
}

#[tokio::test]
async fn an_app_can_widen_the_policies() {
    let built = built();
    let shell = Shell::new(site(&built), document)
        .route("/")
        .allow("connect-src", "https://api.example")
        .allow("form-action", "'self'")
        .permissions_policy("camera=(self)");
    let router = security_headers(shell.clone().build().await.unwrap());
    let page = ask(&router, "/", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("connect-src 'self' https://api.example;"), "{policy}");
    assert!(policy.contains("form-action 'self';"), "{policy}");
    let permissions: Vec<_> = page.headers.get_all("permissions-policy").iter().collect();
    assert_eq!(permissions, ["camera=(self)"]);
    for shell in [shell.clone().allow("img-src", "a\nb"), shell.permissions_policy("a\nb")] {
        assert!(matches!(shell.build().await, Err(ShellError::Header { .. })));
    }
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let api = Router::new().route("/api/health", get(async || "ok"));
    let built = built();
    let router = security_headers(api).merge(shell(&built).await);
    let answers =
        [("/", 200), ("/sw.js", 200), ("/icon.svg", 200), ("/api/health", 200), ("/no", 404)];
    for (path, status) in answers {
        let answer = ask(&router, path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn hashed_files_are_immutable_and_others_are_not() {
    let built = built();
    let router = shell(&built).await;
    for (path, kind, cache) in [
        ("/pkg/recipes.J5.js", "text/javascript", IMMUTABLE),
        ("/pkg/split_late.P5.wasm", "application/wasm", IMMUTABLE),
        ("/pkg/recipes.W5.wasm", "application/wasm", IMMUTABLE),
        ("/pkg/recipes.C5.css", "text/css", IMMUTABLE),
        ("/pkg/recipes.old.js", "text/javascript", "no-cache"),
        ("/manifest.webmanifest", "application/manifest+json", "no-cache"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
        ("/fonts/my%20font.woff2", "font/woff2", "no-cache"),
    ] {
        let answer = ask(&router, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
    }
}

#[tokio::test]
async fn compressed_copies_are_served_where_they_are_accepted() {
    let built = built();
    let router = shell(&built).await;
    for (accepted, encoding, content) in [
        ("gzip, br", "br", "not really brotli"),
        ("gzip", "gzip", "not really gzip"),
        ("identity", "", "export default 1"),
    ] {
        let answer = ask(&router, "/pkg/recipes.J5.js", &[("Accept-Encoding", accepted)]).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert_eq!(answer.text(), content);
        assert_eq!(answer.header("content-type"), "text/javascript");
        assert_eq!(answer.header("cache-control"), IMMUTABLE);
    }
}

#[tokio::test]
async fn nothing_outside_the_site_is_served() {
    let built = built();
    let router = shell(&built).await;
    for path in ["/recipe", "/nothing", "/pkg/none.js", "/pkg", "/../hash.txt", "/%2e%2e/hash.txt"]
    {
        assert_eq!(ask(&router, path, &[]).await.status, 404, "{path}");
    }
    let post = Request::builder().method(Method::POST).uri("/").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(post).await.unwrap().status(), 405);
}

#[tokio::test]
async fn the_service_worker_names_the_files_of_the_build() {
    let built = built();
    let router = shell(&built).await;
    let worker = ask(&router, "/sw.js", &[]).await;
    assert_eq!(worker.status, 200);
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(worker.header("cache-control"), "no-cache");
    assert_eq!(worker.header("service-worker-allowed"), "/");
    let script = worker.text();
    for line in ["const PREFIX = \"recipes-\";", "const PACKAGE = \"/pkg/\";"] {
        assert!(script.contains(line), "{line} in {script}");
    }
    assert!(!script.contains("'{"), "{script}");
    let tag = ask(&router, "/", &[]).await.header("etag").to_owned();
    assert!(script.contains(&format!("const BUILD = {tag};")), "{tag}");
}

/// A portal's answer has another hash.
#[tokio::test]
async fn the_service_worker_has_type_and_hash_of_all_that_is_served() {
    let built = built();
    let router = shell(&built).await;
    let worker = ask(&router, "/sw.js", &[]).await;
    let listed = |name: &str, kind: &str, content: &[u8]| {
        format!("[{name:?}, {kind:?}, {:?}]", integrity(content))
    };
    let files = [
        ("/fonts/my%20font.woff2", "font/woff2"),
        ("/icon.svg", "image/svg+xml"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/pkg/__wasm_split.S5.js", "text/javascript"),
        ("/pkg/recipes.C5.css", "text/css"),
        ("/pkg/recipes.J5.js", "text/javascript"),
        ("/pkg/recipes.W5.wasm", "application/wasm"),
        ("/pkg/snippets/part.js", "text/javascript"),
        ("/pkg/split_late.P5.wasm", "application/wasm"),
    ];
    let mut lines = Vec::new();
    for (name, kind) in files {
        let served = ask(&router, name, &[]).await;
        assert_eq!(served.header("content-type"), kind, "{name}");
        lines.push(listed(name, kind, &served.body));
    }
    let list = format!("const FILES = [\n  {},\n];", lines.join(",\n  "));
    assert!(worker.text().contains(&list), "{list} in {}", worker.text());
    let page = ask(&router, "/recipe/7", &[]).await;
    let line = format!("const PAGE = {};", listed("/", "text/html", &page.body));
    assert!(worker.text().contains(&line), "{line} in {}", worker.text());
}

#[tokio::test]
async fn a_site_that_is_not_that_of_its_hashes_is_an_error() {
    let built = built();
    write(built.path(), "hash.txt", "js: J5\nwasm: W6\ncss: C5\n");
    let failed = Shell::new(site(&built), document).route("/").build().await;
    let Err(ShellError::File { address, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(address, "/pkg/recipes.W6.wasm");
}

#[tokio::test]
async fn a_changed_file_or_route_makes_another_build() {
    let built = built();
    let first = ask(&shell(&built).await, "/", &[]).await.header("etag").to_owned();
    write(&built.path().join("site"), "icon.svg", "<svg></svg>");
    let changed = ask(&shell(&built).await, "/", &[]).await.header("etag").to_owned();
    assert_ne!(changed, first);
    write(&built.path().join("site"), "robots.txt", "");
    let added = ask(&shell(&built).await, "/", &[]).await.header("etag").to_owned();
    assert_ne!(added, changed);
    let router = Shell::new(site(&built), document).route("/").build().await.unwrap();
    assert_ne!(ask(&router, "/", &[]).await.header("etag"), added);
}

#[tokio::test]
async fn the_service_worker_knows_the_routes_that_the_server_answers() {
    let built = built();
    let router = shell(&built).await;
    let page = ask(&router, "/", &[]).await.body;
    let worker = ask(&router, "/sw.js", &[]).await;
    let (_, list) = worker.text().split_once("const ROUTES = [").unwrap();
    let (list, _) = list.split_once("].map").unwrap();
    let kept: Vec<_> = list
        .split(", ")
        .map(|text| Regex::new(&text.trim_matches('"').replace(r"\\", r"\")).unwrap())
        .collect();
    assert_eq!(kept.len(), ROUTES.len());
    for path in [
        "/",
        "/recipe",
        "/recipe/",
        "/recipe/1",
        "/recipe/%20",
        "/recipe/1/",
        "/recipe/1/2",
        "/recipes/1",
        "/help",
        "/help/",
        "/help/a",
        "/help/a/b",
        "/what.is",
        "/what_is",
        "/what.is/",
        "/icon.svg",
        "/sw.js",
    ] {
        let is_kept = kept.iter().any(|route| route.is_match(path));
        assert_eq!(is_kept, ask(&router, path, &[]).await.body == page, "{path}");
    }
}

#[tokio::test]
async fn a_build_without_hashes_has_no_service_worker() {
    let built = tempfile::tempdir().unwrap();
    write(built.path(), "pkg/recipes.js", "export default 1");
    let site = Site::at(built.path(), &built.path().join("hash.txt"), "recipes").unwrap();
    let router = Shell::new(site, document).route("/").build().await.unwrap();
    assert!(ask(&router, "/sw.js", &[]).await.text().contains("unregister"));
    let script = ask(&router, "/pkg/recipes.js", &[]).await;
    assert_eq!((script.status, script.header("cache-control")), (StatusCode::OK, "no-cache"));
}

#[tokio::test]
async fn resources_are_loaded_before_the_page_is_kept() {
    let built = built();
    let view = |_| {
        let motto = Resource::new(|| (), async |()| "from a resource".to_owned());
        view! {
            <!DOCTYPE html>
            <html>
                <body>
                    <Suspense>{move || Suspend::new(async move { motto.await })}</Suspense>
                </body>
            </html>
        }
    };
    let router = Shell::new(site(&built), view).route("/").build().await.unwrap();
    let page = ask(&router, "/", &[]).await;
    assert!(page.text().contains("from a resource"), "{}", page.text());
    let policy = page.header("content-security-policy");
    for text in page.text().split("<script>").skip(1) {
        let (script, _) = text.split_once("</script>").unwrap();
        let hash = BASE64.encode(&Sha256::digest(script));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{script}");
    }
}

/// What `to_html` renders hydrates; `leptos_axum` adds the scripts that hand over resources.
#[tokio::test]
async fn the_page_is_rendered_as_it_hydrates() {
    let built = built();
    let view = |options: LeptosOptions| {
        let rows = RwSignal::new(vec![1, 2]);
        view! {
            <!DOCTYPE html>
            <html>
                <head>
                    <HydrationScripts options />
                </head>
                <body>
                    <Show when=move || rows.with(Vec::is_empty) fallback=|| "some">
                        <p>"none"</p>
                    </Show>
                    <For each=move || rows.get() key=|row| *row let:row>
                        <p class:even=row % 2 == 0>{row} " of " {move || rows.with(Vec::len)}</p>
                    </For>
                </body>
            </html>
        }
    };
    let router = Shell::new(site(&built), view).route("/").build().await.unwrap();
    let page = ask(&router, "/", &[]).await;
    let site = site(&built);
    let html = Owner::new().with(|| view(site.options().clone()).to_html());
    // The shell's own script is at the end of the head, which doesn't hydrate.
    let (head, body) = html.split_once("</head>").unwrap();
    let (script, rest) = page.text().strip_prefix(head).unwrap().split_once("</head>").unwrap();
    assert_eq!(script.matches("<script>").count(), 1, "{script}");
    let scripts = rest.strip_prefix(body).expect("the same page");
    assert_eq!(scripts.matches("<script>").count(), 2, "{scripts}");
}

#[tokio::test]
async fn what_cannot_be_a_shell_is_an_error() {
    let built = built();
    let nowhere = built.path().join("nowhere");
    let missing = Site::at(&nowhere, &nowhere, "recipes");
    assert!(matches!(missing, Err(ShellError::NoSite { folder }) if folder == nowhere));
    let shell = Shell::new(site(&built), document).route("/recipe/{id}");
    assert!(matches!(shell.build().await, Err(ShellError::NoPlainRoute)));
    let moved = |_| leptos_axum::redirect("/elsewhere");
    let shell = Shell::new(site(&built), moved).route("/");
    assert!(matches!(shell.build().await, Err(ShellError::Status { status: 302 })));
}
