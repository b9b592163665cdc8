//! `cargo xtask size`: how much a browser downloads to open the app for the first time.

mod crates;

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::site;
use crate::tools::{Toolbox, Ways};
use crate::workspace;

/// Until the list is on the screen and answers: the most it may be, and what it should be.
const FIRST: Budget = Budget { name: "first screen", most: 250_000, goal: 250_000 };
/// The same with all that comes after it.
const ALL: Budget = Budget { name: "all", most: 545_000, goal: 320_000 };
/// How the names of files begin that are loaded after the first screen.
const LATER: [&str; 2] = ["split_", "chunk_"];

/// The page that says what was tried, and has the table by crate.
const PAGE: &str = "docs/size.md";
/// What stands in front of the tables of the page, first that of files and then that of crates, and behind each.
const FILES: &str = "<!-- The next table of files is made by `cargo xtask size`. -->\n\n";
const CRATES: &str = "<!-- The next table of crates is made by `cargo xtask size`. -->\n\n";
const END: &str = "\n<!-- Here it ends. -->";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure the site as it is, without building it first
    #[arg(long)]
    no_build: bool,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

pub fn run(options: &Options) -> Result<()> {
    let mut toolbox = Toolbox::new(options.ways);
    if !options.no_build {
        site::build_for_browsers(&mut toolbox)?;
    }
    let kept = measure()?;
    let page = workspace::root().join(PAGE);
    let text = with_table(&workspace::read(&page)?, FILES, &Sizes::read()?.table())?;
    let text = with_table(&text, CRATES, &crates::table(&toolbox)?)?;
    workspace::write(&page, &text)?;
    println!("{PAGE} has the tables of files and crates");
    if kept.iter().all(|is_kept| *is_kept) {
        return Ok(());
    }
    Err(Error::advice("the app has become too heavy"))
}

/// Prints what the built site weighs. Tells of each budget whether it is kept.
pub fn measure() -> Result<[bool; 2]> {
    let sizes = Sizes::read()?;
    println!("WebAssembly  {}, and later {}", kilobytes(sizes.wasm), kilobytes(sizes.later));
    println!("JavaScript   {}", kilobytes(sizes.javascript));
    Ok([FIRST.is_kept(sizes.first()), ALL.is_kept(sizes.all())])
}

/// Bytes of WebAssembly and JavaScript, compressed by brotli.
struct Budget {
    name: &'static str,
    /// A larger app fails.
    most: u64,
    goal: u64,
}

impl Budget {
    fn is_kept(&self, bytes: u64) -> bool {
        let [is, most, goal] = [bytes, self.most, self.goal].map(kilobytes);
        println!("{:12} {is}, by brotli; at most {most}, and the goal is {goal}", self.name);
        bytes <= self.most
    }
}

/// Bytes of the files that the release build has compressed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    wasm: u64,
    /// WebAssembly that is loaded after the first screen.
    later: u64,
    javascript: u64,
}

impl Sizes {
    /// Those of the built site.
    fn read() -> Result<Self> {
        let mut sizes = Self::default();
        sizes.add(&workspace::site().join("pkg"))?;
        if sizes.wasm == 0 {
            return Err(Error::advice(
                "target/site/pkg has no compressed WebAssembly: run `cargo xtask size` without --no-build",
            ));
        }
        Ok(sizes)
    }

    fn first(&self) -> u64 {
        self.wasm + self.javascript
    }

    fn all(&self) -> u64 {
        self.first() + self.later
    }

    /// In Markdown.
    fn table(&self) -> String {
        let rows = [
            ("first screen: WebAssembly", self.wasm),
            ("first screen: JavaScript", self.javascript),
            ("later", self.later),
            ("all", self.all()),
        ];
        let rows = rows.map(|(name, bytes)| format!("| {name} | {} |\n", kilobytes(bytes)));
        format!("| | by brotli |\n| --- | --- |\n{}", rows.concat())
    }

    /// Adds all files below a folder.
    fn add(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
            let entry = entry.map_err(Error::file(folder))?;
            let path = entry.path();
            let about = entry.metadata().map_err(Error::file(&path))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if about.is_dir() {
                self.add(&path)?;
            } else if name.ends_with(".wasm.br") {
                let is_later = LATER.iter().any(|start| name.starts_with(start));
                *(if is_later { &mut self.later } else { &mut self.wasm }) += about.len();
            } else if name.ends_with(".js.br") {
                self.javascript += about.len();
            }
        }
        Ok(())
    }
}

/// The page with another table in the place of the one behind a mark.
fn with_table(page: &str, mark: &str, table: &str) -> Result<String> {
    let parts = page.split_once(mark).and_then(|(before, rest)| {
        rest.split_once(END).map(|(_, after)| [before, mark, table, END, after].concat())
    });
    parts.ok_or_else(|| Error::advice(format!("{PAGE} has lost the marks of its table")))
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_files_are_added_up_by_kind() -> Result<()> {
        let pkg = std::env::temp_dir().join(format!("settee-size-{}", std::process::id()));
        workspace::write(&pkg.join("settee.a1.wasm"), "uncompressed")?;
        workspace::write(&pkg.join("settee.a1.wasm.br"), "12345")?;
        workspace::write(&pkg.join("split_later.a1.wasm.br"), "1234567")?;
        workspace::write(&pkg.join("settee.a1.js.br"), "123")?;
        workspace::write(&pkg.join("settee.a1.css.br"), "1234567")?;
        workspace::write(&pkg.join("snippets/app/inline.js.br"), "12")?;
        let mut sizes = Sizes::default();
        let added = sizes.add(&pkg);
        fs::remove_dir_all(&pkg).map_err(Error::file(&pkg))?;
        added?;
        assert_eq!(sizes, Sizes { wasm: 5, later: 7, javascript: 5 });
        Ok(())
    }

    #[test]
    fn a_page_gets_another_table() {
        let page =
            |table: &str| format!("{FILES}files{END}\nBetween.\n{CRATES}{table}{END}\nAfter.\n");
        assert_eq!(with_table(&page("old\n"), CRATES, "new\n").ok(), Some(page("new\n")));
        assert!(with_table("no marks", CRATES, "new\n").is_err());
    }

    #[test]
    fn kilobytes_are_cut_to_one_digit() {
        assert_eq!(kilobytes(434_168), "434.1 kB");
        assert_eq!(kilobytes(99), "0.0 kB");
    }
}
