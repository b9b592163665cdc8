//! The service worker: a script that names the files of this build, so that the app opens
//! without the server.

use super::{file::File, routes, site::Site};

const TEMPLATE: &str = include_str!("service_worker.js");
/// Under development names stay and contents change, which a cache would hide.
const NONE: &str = include_str!("no_service_worker.js");

/// The service worker of a build, as long as the page and the build's name aren't known.
pub(super) struct ServiceWorker(String);

impl ServiceWorker {
    pub(super) fn new(site: &Site, routes: &[String], files: &[File]) -> Self {
        let template = if site.is_kept() { TEMPLATE } else { NONE };
        let routes: Vec<_> = routes.iter().map(|route| routes::regular_expression(route)).collect();
        let files: Vec<_> = files.iter().map(File::script).collect();
        let prefix = format!("{}-", site.options().output_name);
        // Debug writes texts as JavaScript reads them.
        let script = template
            .replace("'{prefix}'", &format!("{prefix:?}"))
            .replace("['{routes}']", &format!("{routes:?}"))
            .replace("'{package}'", &format!("{:?}", site.package()))
            .replace("['{files}']", &format!("[\n  {},\n]", files.join(",\n  ")));
        Self(script)
    }

    /// What two builds differ by, apart from the page.
    pub(super) fn differs_by(&self) -> &str {
        &self.0
    }

    pub(super) fn script(&self, build: &str, page: &File) -> String {
        let script = self.0.replace("'{build}'", &format!("{build:?}"));
        script.replace("['{page}']", &page.script())
    }
}
