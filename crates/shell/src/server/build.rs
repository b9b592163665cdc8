//! One build of the app: its page and its service worker, which know it by name.

use super::{
    assets, document::short_hash, error::ShellError, file::File, loader, preload,
    service_worker::ServiceWorker, site::Site,
};

pub(super) struct Build {
    /// Another page, file or route makes another build.
    pub(super) name: String,
    pub(super) html: String,
    pub(super) worker: String,
}

impl Build {
    /// `shell` is the address that the page is fetched from, and `html` what the view has rendered.
    pub(super) async fn new(
        site: &Site,
        html: &str,
        shell: &str,
        routes: &[String],
    ) -> Result<Self, ShellError> {
        let mut files = Vec::new();
        if site.is_kept() {
            let served = assets::router(site.clone());
            for address in site.files()? {
                files.push(File::served(&served, &address).await?);
            }
        }
        let worker = ServiceWorker::new(site, routes, &files);
        let name = short_hash([worker.differs_by(), loader::SCRIPT, html].concat().as_bytes());
        let html = loader::insert(&preload::insert(html, site.part_loader()), &name);
        let page = File::new(shell, "text/html", html.as_bytes());
        let worker = worker.script(&name, &page);
        Ok(Self { name, html, worker })
    }
}
