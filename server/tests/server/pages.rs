//! The pages, the files and their headers.

use data_encoding::BASE64;
use settee_shell::Site;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{TestServer, get, write};

/// A server with a site of small files, which live as long as the folder.
async fn server() -> (TestServer, TempDir) {
    let built = tempfile::tempdir().unwrap();
    let site = built.path().join("site");
    write(&site, "pkg/settee.J5.js", "export default 1");
    write(&site, "pkg/settee.J5.js.br", "not really brotli");
    write(&site, "pkg/settee.W5.wasm", b"\0asm");
    write(&site, "pkg/settee.C5.css", "p{}");
    write(&site, "pkg/settee.old.js", "of another build");
    write(&site, "manifest.webmanifest", "{}");
    write(&site, "icon.svg", "<svg/>");
    write(built.path(), "hash.txt", "js: J5\nwasm: W5\ncss: C5\n");
    let site = Site::at(&site, &built.path().join("hash.txt"), "settee").unwrap();
    (TestServer::with(|settings| settings.site = Some(site)).await, built)
}

#[tokio::test]
async fn the_page_is_the_same_for_every_list() {
    let (server, _built) = server().await;
    let page = get(server.address, "/", &[]).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    for name in ["settee.J5.js", "settee.W5.wasm", "settee.C5.css", "<h1>todos</h1>"] {
        assert!(page.text().contains(name), "{name} in {}", page.text());
    }
    for other in ["/l/d8nky0yt022fvwnfrc45a38jg4", "/l/x", "/l/x/", "/?from=elsewhere"] {
        assert_eq!(get(server.address, other, &[]).await.body, page.body, "{other}");
    }
    let tag = page.header("etag");
    let known = get(server.address, "/l/x", &[("If-None-Match", tag)]).await;
    assert_eq!((known.status(), known.body.len()), (304, 0));
    assert!(!known.header("content-security-policy").is_empty());
    for nothing in ["/l", "/l/x/y", "/nothing", "/pkg/none.js", "/pkg", "/../hash.txt"] {
        assert_eq!(get(server.address, nothing, &[]).await.status(), 404, "{nothing}");
    }
}

#[tokio::test]
async fn the_page_may_do_what_it_needs_and_nothing_else() {
    let (server, _built) = server().await;
    let page = get(server.address, "/", &[]).await;
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "'wasm-unsafe-eval'"] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains("ws:"), "{policy}");
    let html = page.text();
    let (_, script) = html.split_once("<script type=\"module\">").expect("an inline script");
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = BASE64.encode(&Sha256::digest(script)).to_lowercase();
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
    assert_eq!(html.matches("<script").count(), policy.matches("'sha256-").count());
    assert!(!html.contains(" style=\""), "inline styles are forbidden");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value);
        assert_eq!(get(server.address, "/health", &[]).await.header(name), value);
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_others_are_not() {
    let (server, _built) = server().await;
    let for_ever = "public, max-age=31536000, immutable";
    for (path, kind, cache) in [
        ("/pkg/settee.J5.js", "text/javascript", for_ever),
        ("/pkg/settee.W5.wasm", "application/wasm", for_ever),
        ("/pkg/settee.C5.css", "text/css", for_ever),
        ("/pkg/settee.old.js", "text/javascript", "no-cache"),
        ("/manifest.webmanifest", "application/manifest+json", "no-cache"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
    ] {
        let answer = get(server.address, path, &[]).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
    }
    let brotli = [("Accept-Encoding", "gzip, br")];
    let answer = get(server.address, "/pkg/settee.J5.js", &brotli).await;
    assert_eq!(answer.header("content-encoding"), "br");
    assert_eq!(answer.text(), "not really brotli");
    assert_eq!(answer.header("content-type"), "text/javascript");
}

#[tokio::test]
async fn the_service_worker_names_the_files_of_the_build() {
    let (server, _built) = server().await;
    let worker = get(server.address, "/sw.js", &[]).await;
    assert_eq!(worker.status(), 200);
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(worker.header("cache-control"), "no-cache");
    assert_eq!(worker.header("service-worker-allowed"), "/");
    for name in ["J5.js", "W5.wasm", "C5.css", "/icon.svg", "/manifest.webmanifest"] {
        assert!(worker.text().contains(name), "{name}");
    }
    for name in ["settee.old.js", ".br"] {
        assert!(!worker.text().contains(name), "{name}");
    }
    let tag = get(server.address, "/", &[]).await.header("etag").to_owned();
    assert!(worker.text().contains(&format!("const BUILD = {tag};")), "{tag}");
}

#[tokio::test]
async fn a_build_without_hashes_has_no_service_worker() {
    let built = tempfile::tempdir().unwrap();
    write(built.path(), "pkg/settee.js", "export default 1");
    let site = Site::at(built.path(), &built.path().join("hash.txt"), "settee").unwrap();
    let server = TestServer::with(|settings| settings.site = Some(site)).await;
    assert!(get(server.address, "/sw.js", &[]).await.text().contains("unregister"));
    let script = get(server.address, "/pkg/settee.js", &[]).await;
    assert_eq!((script.status(), script.header("cache-control")), (200, "no-cache"));
}

#[tokio::test]
async fn sync_alone_has_no_pages() {
    let server = TestServer::start().await;
    assert_eq!(get(server.address, "/", &[]).await.status(), 404);
    let health = get(server.address, "/health", &[]).await;
    assert_eq!((health.status(), health.text()), (200, "ok"));
}
