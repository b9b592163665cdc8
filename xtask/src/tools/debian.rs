//! Debian's packages.

use std::time::Duration;

use super::Toolbox;
use crate::error::{Error, Result};

/// Installs packages by apt, or says how to, after what is `missing`.
pub fn install(toolbox: &Toolbox, missing: &str, packages: &[&str]) -> Result<()> {
    let by_hand = || {
        let packages = packages.join(" ");
        let run = format!("as root, run `apt-get update && apt-get install {packages}`");
        Error::advice(format!("{missing}: {run}, and try again"))
    };
    if toolbox.find("apt-get").is_none() {
        return Err(by_hand());
    }
    let prefix: &[&str] = if is_root(toolbox) {
        &[]
    } else if may_sudo(toolbox) {
        &["sudo", "-n"]
    } else {
        return Err(by_hand());
    };
    let apt = |arguments: &[&str]| {
        let words =
            [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"], arguments]
                .concat();
        let program = toolbox.program(words[0]).args(&words[1..]);
        program.shown_as(&format!("apt-get {}", arguments.join(" "))).run()
    };
    apt(&["update"])?;
    let install = ["install", "-y", "--no-install-recommends"];
    apt(&[&install, packages].concat())
}

fn is_root(toolbox: &Toolbox) -> bool {
    let id = toolbox.program("id").arg("-u").quietly(Duration::from_secs(5));
    id.is_ok_and(|id| id.trim() == "0")
}

fn may_sudo(toolbox: &Toolbox) -> bool {
    let sudo = toolbox.program("sudo").args(["-n", "true"]);
    sudo.quietly(Duration::from_secs(5)).is_ok()
}
