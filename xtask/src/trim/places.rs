//! Places in the source. A function that might panic is told who called it, so the program has hundreds of
//! places with a file's name, a line and a column. Without messages nobody reads them.

use std::collections::HashSet;

use wasmparser::RelocationEntry;

use super::program::Program;

/// The symbols that are places in the source. Each is as good as the first.
pub struct Places {
    all: HashSet<u32>,
    first: u32,
}

impl Places {
    /// The symbol to refer to in the place of another.
    pub fn instead_of(&self, symbol: u32, entry: &RelocationEntry) -> u32 {
        let is_address = entry.ty.addend_kind() != wasmparser::RelocAddendKind::None;
        if is_address && entry.addend == 0 && self.all.contains(&symbol) {
            self.first
        } else {
            symbol
        }
    }
}

/// `core::panic::Location` on 32 bits: the address and the length of a file's name, a line, and a column.
const SIZE: usize = 16;

pub fn all(program: &Program<'_>) -> Places {
    let symbols = 0..u32::try_from(program.symbols.len()).unwrap_or(u32::MAX);
    let all: Vec<u32> = symbols.filter(|symbol| is_place(program, *symbol)).collect();
    let first = all.first().copied().unwrap_or_default();
    Places { all: all.into_iter().collect(), first }
}

fn is_place(program: &Program<'_>, symbol: u32) -> bool {
    let Some(data) = program.data(symbol).filter(|data| data.len() == SIZE) else { return false };
    let refers = |offset| program.references.get(&(data.start + offset));
    let Some(name) = refers(0).and_then(|name| program.data(*name)) else { return false };
    if [4, 8, 12].into_iter().any(|offset| refers(offset).is_some()) {
        return false;
    }
    let length =
        program.wasm[data.start + 4..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let length = length.map_or(usize::MAX, |length| length as usize);
    program.wasm[name].get(..length).is_some_and(|name| name.ends_with(b".rs"))
}
