//! The service worker: a script that names the files of this build, so that the app opens
//! without the server.

use std::fs;

use crate::{error::Error, pages::short_hash, site::Site};

const TEMPLATE: &str = include_str!("service_worker.js");
/// Under development names stay and contents change, which a cache would hide.
const NONE: &str = include_str!("no_service_worker.js");

/// A name for the build: another page, or another file that it keeps, is another build.
pub fn build_id(site: &Site, html: &str) -> Result<String, Error> {
    let mut content = [TEMPLATE, html].concat().into_bytes();
    for name in site.built_files() {
        content.extend_from_slice(name.as_bytes());
    }
    for name in site.public_files()? {
        let file = site.root.join(name.trim_start_matches('/'));
        let bytes = fs::read(&file).map_err(|source| Error::Site { file, source })?;
        content.extend_from_slice(short_hash(&bytes).as_bytes());
    }
    Ok(short_hash(&content))
}

pub fn script(site: &Site, build: &str) -> Result<String, Error> {
    let hashed: Vec<String> = site.built_files().collect();
    if site.is_watched || hashed.is_empty() {
        return Ok(NONE.to_owned());
    }
    Ok(fill(build, &hashed, &site.public_files()?))
}

fn fill(build: &str, hashed: &[String], public: &[String]) -> String {
    // Debug writes texts as JavaScript reads them.
    TEMPLATE
        .replace("'{build}'", &format!("{build:?}"))
        .replace("['{hashed}']", &format!("{hashed:?}"))
        .replace("['{public}']", &format!("{public:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_filled() {
        let script = fill("b1", &["/pkg/settee.h.js".into()], &["/icon.svg".into()]);
        assert!(script.contains("const BUILD = \"b1\";"), "{script}");
        assert!(script.contains("const HASHED = [\"/pkg/settee.h.js\"];"), "{script}");
        assert!(script.contains("const PUBLIC = [\"/icon.svg\"];"), "{script}");
    }
}
