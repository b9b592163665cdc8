//! What weighs what: the first file's functions, by the crate that a function's name begins with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::functions::Functions;
use crate::tools::Toolbox;
use crate::workspace;

/// The file as cargo-leptos has cut it off, when its functions still have names.
const NAMED: &str = "front/wasm32-unknown-unknown/wasm-release/settee_frontend_split.wasm";
/// How the names of functions begin that wasm-bindgen runs and then takes out.
const DESCRIPTIONS: &str = "__wbindgen_describe";
/// Lighter crates are added up.
const LIGHTEST: u64 = 1_000;
/// How long Node may take to compress everything.
const PATIENCE: Duration = Duration::from_mins(2);
/// Compresses each file of a folder by brotli 11, and prints the sizes in the order of the names.
const COMPRESS: &str = "
const fs = require('fs'), zlib = require('zlib'), folder = process.argv[1];
const sizes = fs.readdirSync(folder).sort().map((name) =>
    zlib.brotliCompressSync(fs.readFileSync(`${folder}/${name}`)).length);
console.log(JSON.stringify(sizes));";

/// One crate's functions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Share {
    functions: usize,
    /// The functions' code, before `wasm-opt`. They are in the order of their names, since those that are
    /// alike compress well side by side.
    code: Vec<u8>,
}

/// A table in Markdown, the heaviest crate first.
pub fn table(toolbox: &Toolbox) -> Result<String> {
    let path = workspace::target().join(NAMED);
    let module = fs::read(&path).map_err(Error::file(&path))?;
    let shares = shares(&module).map_err(|error| Error::advice(format!("{NAMED}: {error}")))?;
    let compressed = compressed(toolbox, shares.values())?;
    let mut rows: Vec<_> = shares.iter().zip(compressed).collect();
    rows.sort_by_key(|(_, compressed)| std::cmp::Reverse(*compressed));

    let mut table =
        String::from("| crate | kB by brotli | bytes | functions |\n| --- | --- | --- | --- |\n");
    let mut row = |name: &str, compressed: u64, bytes: usize, functions: usize| {
        let [whole, tenth] = [compressed / 1000, compressed % 1000 / 100];
        writeln!(table, "| {name} | {whole}.{tenth} | {bytes} | {functions} |")
            .expect("a String takes everything");
    };
    let (mut others, mut bytes, mut functions) = (0, 0, 0);
    for ((name, share), compressed) in rows {
        if compressed < LIGHTEST {
            others += compressed;
            bytes += share.code.len();
            functions += share.functions;
        } else {
            row(name, compressed, share.code.len(), share.functions);
        }
    }
    row("all others", others, bytes, functions);
    Ok(table)
}

fn shares(module: &[u8]) -> wasmparser::Result<BTreeMap<String, Share>> {
    let mut all = Functions::read(module)?.defined;
    all.retain(|function| !function.symbol.starts_with(DESCRIPTIONS));
    all.sort_by_key(|function| function.symbol);
    let mut shares = BTreeMap::<String, Share>::new();
    for function in all {
        let share = shares.entry(crate_of(&function.name()).to_owned()).or_default();
        share.functions += 1;
        share.code.extend_from_slice(function.body.as_bytes());
    }
    Ok(shares)
}

/// The start of the first path in a name. Of `<&mut serde_json::de::Deserializer<R> as …>::next` it is
/// `serde_json`, and of `<T as core::convert::Into<U>>::into` it is `core`.
fn crate_of(name: &str) -> &str {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut starts = name.match_indices("::").map(|(end, _)| {
        let start = name[..end].trim_end_matches(is_inside).len();
        &name[start..end]
    });
    starts.find(|start| !start.is_empty()).unwrap_or("without a path")
}

fn compressed<'a>(toolbox: &Toolbox, shares: impl Iterator<Item = &'a Share>) -> Result<Vec<u64>> {
    let folder = workspace::target().join("xtask/crates");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    for (index, share) in shares.enumerate() {
        write(&folder.join(format!("{index:04}")), &share.code)?;
    }
    let sizes = toolbox.program("node").args(["-e", COMPRESS]).arg(&folder).quietly(PATIENCE)?;
    serde_json::from_str(&sizes).map_err(|error| Error::advice(format!("node: {error}")))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    fs::write(path, bytes).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_of_the_crate_that_its_name_begins_with() {
        for (name, expected) in [
            ("settee_store::tree::RevisionTree::insert", "settee_store"),
            (
                "<&mut serde_json::de::Deserializer<R> as serde_core::de::Deserializer>::next",
                "serde_json",
            ),
            ("<alloc::vec::Vec<T> as minicbor::decode::Decode<C>>::decode", "alloc"),
            ("<T as core::convert::Into<U>>::into", "core"),
            ("memcpy", "without a path"),
            ("", "without a path"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn functions_without_names_count_too() -> wasmparser::Result<()> {
        // A module with one type, one function and its empty body.
        let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
        let shares = shares(module)?;
        let only = Share { functions: 1, code: vec![0, 0x0b] };
        assert_eq!(shares, BTreeMap::from([("without a path".to_owned(), only)]));
        Ok(())
    }
}
