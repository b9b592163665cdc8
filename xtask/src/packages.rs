//! Which packages are built, checked and tested together, and with which features.
//!
//! Cargo enables the union of the features of all packages in a call. With `ssr`, Leptos runs no
//! effects, and it rejects `ssr` together with `hydrate`. So there are groups, and never `--workspace`.

/// Packages that can share a call of cargo.
pub struct Group {
    pub name: &'static str,
    pub packages: &'static [&'static str],
    /// As `package/feature`, which cargo requires for several packages.
    pub features: &'static [&'static str],
    /// The only test file to run, if another group runs the others.
    pub test: Option<&'static str>,
    /// An example of the package, with its feature, that has to serve while the tests run.
    pub server: Option<(&'static str, &'static str)>,
}

impl Group {
    /// The arguments that choose this group.
    pub fn arguments(&self) -> Vec<&'static str> {
        let packages = self.packages.iter().flat_map(|package| ["--package", package]);
        let features = self.features.iter().flat_map(|feature| ["--features", feature]);
        packages.chain(features).collect()
    }
}

/// Packages that are built for the developer's machine.
pub const NATIVE: &[Group] = &[
    Group {
        name: "kit, server and tools",
        packages: &[
            "settee-store",
            "settee-sync",
            "settee-keys",
            "settee-client",
            "settee-axum",
            "settee-push",
            "settee-shell",
            "settee",
            "settee-todo",
            "settee-app",
            "settee-server",
            "settee-simulator",
            "settee-fuzz",
            "settee-bench",
            "xtask",
        ],
        features: &[
            "settee-store/conformance",
            "settee-store/sqlite",
            "settee-axum/keys",
            "settee-axum/push",
            "settee-axum/sqlite",
            "settee-shell/server",
            "settee/native",
            "settee/server",
            "settee-app/ssr",
        ],
        test: None,
        server: None,
    },
    // A separate call, because the app's `ssr` would disable the effects.
    Group { name: "bridge", packages: &["settee-leptos"], features: &[], test: None, server: None },
    // A separate call, because only these tests may have the deliberate bugs.
    Group {
        name: "simulator with bugs",
        packages: &["settee-simulator"],
        features: &["settee-simulator/sabotage"],
        test: Some("sabotage"),
        server: None,
    },
];

/// Tests of people with ill will, in some of the packages above: the package and its features, the test
/// files, and the names of the tests, if not all.
pub const HOSTILE: &[(&str, &str, &[&str], &[&str])] = &[
    ("settee-store", "sqlite", &["bounded", "view", "hostile", "erased", "full_disk"], &[]),
    ("settee-sync", "", &["unanswered"], &[]),
    (
        "settee-axum",
        "sqlite,keys",
        &["server"],
        &["hostile", "quotas", "comparisons", "misbehaviour"],
    ),
];

/// Packages with tests in `tests/browser*.rs`, which run in a headless browser.
pub const BROWSER: &[Group] = &[
    Group {
        name: "store in the browser",
        packages: &["settee-store"],
        features: &["settee-store/conformance", "settee-store/indexeddb"],
        test: None,
        server: None,
    },
    // They connect to the example `notes_server`.
    Group {
        name: "kit in the browser",
        packages: &["settee"],
        features: &["settee/browser", "settee/leptos"],
        test: None,
        server: Some(("notes_server", "server")),
    },
];

/// The package that becomes the site's WebAssembly.
pub const FRONTEND: Group = Group {
    name: "frontend",
    packages: &["settee-frontend"],
    features: &["settee-frontend/split"],
    test: None,
    server: None,
};

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_names_its_packages_and_features() {
        let arguments = BROWSER[0].arguments().join(" ");
        let features = "--features settee-store/conformance --features settee-store/indexeddb";
        assert_eq!(arguments, format!("--package settee-store {features}"));
    }
}
