//! Which packages are built, checked and tested together, and with which features.
//!
//! Cargo unites the features of all packages named in one call. Leptos runs no effects with
//! `ssr`, and refuses `ssr` beside `hydrate`: so there are groups, and never `--workspace`.

/// Packages that can share one call of cargo.
pub struct Group {
    pub name: &'static str,
    pub packages: &'static [&'static str],
    /// Written `package/feature`, as a call with several packages needs it.
    pub features: &'static [&'static str],
    /// The one file of tests to run, where another group runs the rest.
    pub test: Option<&'static str>,
}

impl Group {
    /// The arguments that choose this group.
    pub fn arguments(&self) -> Vec<&'static str> {
        let packages = self.packages.iter().flat_map(|package| ["--package", package]);
        let features = self.features.iter().flat_map(|feature| ["--features", feature]);
        packages.chain(features).collect()
    }
}

/// What runs on the developer's machine itself.
pub const NATIVE: &[Group] = &[
    Group {
        name: "kit, server and tools",
        packages: &[
            "settee-store",
            "settee-sync",
            "settee-todo",
            "settee-client",
            "settee-app",
            "settee-server",
            "settee-simulator",
            "settee-fuzz",
            "settee-bench",
            "xtask",
        ],
        features: &["settee-store/sqlite", "settee-app/ssr"],
        test: None,
    },
    // On its own: with the app's `ssr` beside it, its effects would not run.
    Group { name: "bridge", packages: &["settee-leptos"], features: &[], test: None },
    // On its own: seeds have to go well without the bugs, and no build but this one has them.
    Group {
        name: "simulator with bugs",
        packages: &["settee-simulator"],
        features: &["settee-simulator/sabotage"],
        test: Some("sabotage"),
    },
];

/// What has tests in `tests/browser*.rs`, which run in a headless browser.
pub const BROWSER: &[Group] = &[Group {
    name: "store in the browser",
    packages: &["settee-store"],
    features: &["settee-store/indexeddb"],
    test: None,
}];

/// What becomes the site's WebAssembly.
pub const FRONTEND: Group =
    Group { name: "frontend", packages: &["settee-frontend"], features: &[], test: None };

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_names_its_packages_and_features() {
        let arguments = BROWSER[0].arguments().join(" ");
        assert_eq!(arguments, "--package settee-store --features settee-store/indexeddb");
    }
}
