use super::*;
use crate::workspace;

/// Writes a tree of files, and gives back the violations in it as lines.
fn check_tree(name: &str, files: &[(&str, &str)]) -> Result<Vec<String>> {
    let root = std::env::temp_dir().join(format!("settee-walls-{name}-{}", std::process::id()));
    for (file, text) in files {
        workspace::write(&root.join(file), text)?;
    }
    let violations = check(&root);
    fs::remove_dir_all(&root).map_err(Error::file(&root))?;
    Ok(violations?.iter().map(ToString::to_string).collect())
}

fn manifest(package: &str, rest: &str) -> String {
    format!("[package]\nname = \"{package}\"\n{rest}")
}

#[test]
fn a_tree_within_the_walls_is_clean() -> Result<()> {
    let store = manifest("settee-store", "[dependencies]\nserde.workspace = true\n");
    let sync = manifest("settee-sync", "[dependencies]\nsettee-store.workspace = true\n");
    let frontend = manifest("settee-frontend", "[dependencies]\nsettee.workspace = true\n");
    let found = check_tree(
        "clean",
        &[
            ("Cargo.toml", "[workspace.dependencies]\nsettee-app = { path = \"app\" }\n"),
            ("crates/store/Cargo.toml", &store),
            ("crates/sync/Cargo.toml", &sync),
            ("crates/server/src/lib.rs", "// Listens on a listener.\nstruct StringList;\n"),
            ("crates/todo/src/lib.rs", "struct Todo;\n"),
            ("frontend/Cargo.toml", &frontend),
            ("target/debug/Cargo.toml", "[package]\nname = \"copy\"\n"),
        ],
    )?;
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[test]
fn a_dependency_over_a_wall_is_named_with_its_line() -> Result<()> {
    let rest = "\n[dependencies]\nsettee-sync.workspace = true\n\
        [target.'cfg(unix)'.dependencies]\nsync = { package = \"settee-client\", path = \"x\" }\n\
        [dependencies.settee]\nworkspace = true\n\
        [build-dependencies]\n\"settee-todo\" = \"1\"\n\
        [dev-dependencies]\nsettee-app.workspace = true\n";
    let found =
        check_tree("over", &[("crates/store/Cargo.toml", &manifest("settee-store", rest))])?;
    let names: Vec<_> = found.iter().filter_map(|line| line.split("depend on ").nth(1)).collect();
    assert_eq!(names, ["settee-sync", "settee-client", "settee", "settee-todo"]);
    assert_eq!(found[0], "crates/store/Cargo.toml:5: settee-store must not depend on settee-sync");
    Ok(())
}

#[test]
fn xtask_takes_none_of_our_crates_even_for_tests() -> Result<()> {
    let rest = "[dev-dependencies]\nsettee-store.workspace = true\n";
    let found = check_tree("xtask", &[("xtask/Cargo.toml", &manifest("xtask", rest))])?;
    assert_eq!(found, ["xtask/Cargo.toml:4: xtask must not depend on settee-store"]);
    Ok(())
}

#[test]
fn examples_and_benchmarks_take_anything_but_the_apps_two_sides() -> Result<()> {
    let rest = "[dependencies]\nsettee.workspace = true\nsettee-app.workspace = true\n";
    let tree = [
        ("examples/notes/Cargo.toml", manifest("notes", rest)),
        ("bench/Cargo.toml", manifest("settee-bench", rest)),
    ];
    let found =
        check_tree("examples", &tree.each_ref().map(|(file, text)| (*file, text.as_str())))?;
    assert_eq!(
        found,
        [
            "bench/Cargo.toml:5: settee-bench must not depend on settee-app",
            "examples/notes/Cargo.toml:5: notes must not depend on settee-app",
        ]
    );
    Ok(())
}

#[test]
fn a_new_crate_needs_a_row_in_the_table() -> Result<()> {
    let found = check_tree("new", &[("crates/new/Cargo.toml", &manifest("settee-new", ""))])?;
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/new/Cargo.toml:1: settee-new has no row"), "{found:?}");
    Ok(())
}

#[test]
fn the_kit_says_nothing_of_todos() -> Result<()> {
    let found = check_tree(
        "todo",
        &[
            ("crates/store/src/lib.rs", "// Any app.\nlet id = \"TODO/1\";\n"),
            ("crates/bridge/README.md", "a list of todos\n"),
            ("crates/sync/tests/golden.rs", "todo/1\n"),
            ("crates/store/tests/fixtures/v1/a.json", "todo/1\n"),
            ("crates/fuzz/corpus/tree/1", "todo/1\n"),
            ("app/src/lib.rs", "todo\n"),
        ],
    )?;
    assert_eq!(
        found,
        [
            "crates/bridge/README.md:1: nothing in crates may say \"todo\": a list of todos",
            "crates/store/src/lib.rs:2: nothing in crates may say \"todo\": let id = \"TODO/1\";",
        ]
    );
    Ok(())
}

#[test]
fn the_server_kit_says_nothing_of_lists() -> Result<()> {
    let source = "fn listen() {}\nlet list_id = 1;\n// All Lists.\n";
    let found = check_tree("list", &[("crates/server/src/hub.rs", source)])?;
    assert_eq!(
        found,
        [
            "crates/server/src/hub.rs:2: nothing in crates/server/src may say \"list\": let list_id = 1;",
            "crates/server/src/hub.rs:3: nothing in crates/server/src may say \"lists\": // All Lists.",
        ]
    );
    Ok(())
}

#[test]
fn the_apps_two_sides_stay_small() -> Result<()> {
    let (full, one) = ("x\n".repeat(1500), "x\n");
    let files = [("frontend/src/a.rs", full.as_str()), ("frontend/src/note.txt", one)];
    assert!(check_tree("full", &files)?.is_empty());
    let found = check_tree("over-full", &[files[0], ("frontend/src/b/c.js", one)])?;
    assert_eq!(found, ["frontend/src: 1501 lines of Rust and JavaScript; the limit is 1500"]);
    Ok(())
}
