//! The service worker: a script that names the files of this build, so that the app opens
//! without the server.

use std::fs;

use super::{document::short_hash, error::ShellError, routes, site::Site};

const TEMPLATE: &str = include_str!("service_worker.js");
/// Under development names stay and contents change, which a cache would hide.
const NONE: &str = include_str!("no_service_worker.js");

/// The service worker of one build.
pub(super) struct ServiceWorker {
    /// The build's name: another page, file or route makes another build.
    pub(super) build: String,
    pub(super) script: String,
}

impl ServiceWorker {
    /// `shell` is the address that the page is fetched from.
    pub(super) fn new(
        site: &Site,
        html: &str,
        shell: &str,
        routes: &[String],
    ) -> Result<Self, ShellError> {
        let public = site.public_files()?;
        let script =
            fill(site, shell, routes, &public.iter().map(|(name, _)| &**name).collect::<Vec<_>>());
        let mut content = [script.as_str(), html].concat();
        for (_, file) in public {
            let bytes = fs::read(&file).map_err(|source| ShellError::Site { file, source })?;
            content += &short_hash(&bytes);
        }
        let build = short_hash(content.as_bytes());
        let script = script.replace("'{build}'", &format!("{build:?}"));
        Ok(Self { build, script })
    }
}

/// Everything but the build.
fn fill(site: &Site, shell: &str, routes: &[String], public: &[&str]) -> String {
    let built = site.built_files();
    let template = if site.is_watched || built.is_empty() { NONE } else { TEMPLATE };
    let routes: Vec<_> = routes.iter().map(|route| routes::regular_expression(route)).collect();
    let prefix = format!("{}-", site.options().output_name);
    // Debug writes texts as JavaScript reads them.
    template
        .replace("'{prefix}'", &format!("{prefix:?}"))
        .replace("'{shell}'", &format!("{shell:?}"))
        .replace("['{routes}']", &format!("{routes:?}"))
        .replace("'{package}'", &format!("{:?}", site.package()))
        .replace("['{hashed}']", &format!("{built:?}"))
        .replace("['{public}']", &format!("{public:?}"))
}
