//! `cargo xtask dist`: a folder to copy to a server.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::process::say;
use crate::site::{self, Profile};
use crate::tools::{Toolbox, Ways};
use crate::workspace;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

pub fn run(options: &Options) -> Result<()> {
    let mut toolbox = Toolbox::new(options.ways);
    site::build(&mut toolbox, Profile::Release)?;
    let dist = workspace::target().join("dist");
    collect(&Profile::Release.server(), &workspace::site(), &dist)?;
    say(format!("{} is ready: settee-server with its site", dist.display()));
    Ok(())
}

/// Copies the server, the site and `hash.txt` into one folder. The server expects `hash.txt`, which
/// holds the hashes in the names of the site's files, beside its binary.
fn collect(server: &Path, site: &Path, dist: &Path) -> Result<()> {
    fs::create_dir_all(dist).map_err(Error::file(dist))?;
    // Other files stay: a server that ran in this folder may have put its data here.
    let old_site = dist.join("site");
    if old_site.exists() {
        fs::remove_dir_all(&old_site).map_err(Error::file(&old_site))?;
    }
    copy_tree(site, &old_site)?;
    copy_file(server, &dist.join("settee-server"))?;
    copy_file(&server.with_file_name("hash.txt"), &dist.join("hash.txt"))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(Error::file(to))?;
    for entry in fs::read_dir(from).map_err(Error::file(from))? {
        let entry = entry.map_err(Error::file(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// Copies to a new file. The old one may be a running program, which can't be overwritten.
fn copy_file(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_file(to).map_err(Error::file(to))?;
    }
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_collection_replaces_the_site_and_keeps_the_data() -> Result<()> {
        let here = std::env::temp_dir().join(format!("settee-dist-{}", std::process::id()));
        let (release, site, dist) = (here.join("release"), here.join("site"), here.join("dist"));
        workspace::write(&release.join("settee-server"), "binary")?;
        workspace::write(&release.join("hash.txt"), "js: abc")?;
        workspace::write(&site.join("pkg/settee.abc.js"), "code")?;
        workspace::write(&dist.join("site/pkg/settee.old.js"), "old code")?;
        workspace::write(&dist.join("settee-server"), "old binary")?;
        workspace::write(&dist.join("data/precious"), "todos")?;

        collect(&release.join("settee-server"), &site, &dist)?;

        assert_eq!(workspace::read(&dist.join("settee-server"))?, "binary");
        assert_eq!(workspace::read(&dist.join("hash.txt"))?, "js: abc");
        assert_eq!(workspace::read(&dist.join("site/pkg/settee.abc.js"))?, "code");
        assert!(!dist.join("site/pkg/settee.old.js").exists());
        assert_eq!(workspace::read(&dist.join("data/precious"))?, "todos");
        fs::remove_dir_all(&here).map_err(Error::file(&here))
    }
}
