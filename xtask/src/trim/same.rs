//! Functions that are the same. The compiler makes one of another crate anew in each crate that has use of it, and
//! the file that comes later would have copies of what the first one has. So one of them is called in the place
//! of all. Where a function's address is taken, it stays.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use wasmparser::{RelocationEntry, RelocationType, Result, SymbolInfo};

use super::flow::Ranges;
use super::places::Places;
use super::program::{Program, place};

/// Shorter ones, in bytes, weigh less than a way from one file into the other.
const SHORTEST: usize = 60;

/// For symbols of functions: the symbol and the index of the function to call instead.
pub struct Same(HashMap<u32, Instead>);

#[derive(Clone, Copy)]
pub struct Instead {
    pub symbol: u32,
    index: u32,
}

impl Same {
    /// What to call in the place of what stands there, if that is a call.
    pub fn instead_of(&self, entry: &RelocationEntry) -> Option<Instead> {
        let is_call = entry.ty == RelocationType::FunctionIndexLeb;
        self.0.get(&entry.index).copied().filter(|_| is_call)
    }
}

impl Instead {
    /// Writes the function's index over another one, as the linker does: in five bytes.
    pub fn write(self, bytes: &mut [u8]) {
        let last = bytes.len().saturating_sub(1);
        for (at, byte) in bytes.iter_mut().enumerate() {
            let bits = (self.index >> (7 * at)).to_le_bytes()[0] & 0x7f;
            *byte = if at < last { bits | 0x80 } else { bits };
        }
    }
}

/// What a relocation refers to.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reference {
    offset: usize,
    kind: u8,
    target: Target,
    addend: i64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Target {
    Function(u32),
    /// Where data is in the file. Several symbols may have the same.
    Data(Range<usize>),
    /// The number of another symbol, or of a type.
    Other(u32),
}

/// A function without what the linker has filled in.
struct Shape {
    index: u32,
    kind: u32,
    body: Vec<u8>,
    references: Vec<Reference>,
}

/// Finds them in a program whose bytes may have changed, where no relocation counts that was cut.
pub fn find(program: &Program<'_>, wasm: &[u8], cut: &Ranges, places: &Places) -> Result<Same> {
    let mut shapes = shapes(program, wasm, cut, places)?;
    let mut first: HashMap<u32, u32> = HashMap::new();
    loop {
        // Those that call functions which are the same may be the same.
        for reference in shapes.iter_mut().flat_map(|shape| &mut shape.references) {
            if let Target::Function(index) = &mut reference.target {
                *index = first.get(index).copied().unwrap_or(*index);
            }
        }
        let mut alike = HashMap::new();
        let mut found = HashMap::new();
        for Shape { index, kind, body, references } in &shapes {
            let other = *alike.entry((kind, body, references)).or_insert(*index);
            if other != *index {
                found.insert(*index, other);
            }
        }
        if found.len() == first.len() {
            break;
        }
        first = found;
    }
    let is_long = |shape: &&Shape| shape.body.len() >= SHORTEST;
    let long: HashSet<u32> = shapes.iter().filter(is_long).map(|shape| shape.index).collect();
    let symbols = || (0..).zip(&program.symbols);
    let functions = symbols().filter_map(|(symbol, info)| match info {
        SymbolInfo::Func { index, .. } => Some((*index, symbol)),
        _ => None,
    });
    let symbol_of: HashMap<u32, u32> = functions.clone().collect();
    let instead = functions.filter_map(|(index, symbol)| {
        let index = *first.get(&index).filter(|_| long.contains(&index))?;
        Some((symbol, Instead { symbol: *symbol_of.get(&index)?, index }))
    });
    Ok(Same(instead.collect()))
}

fn shapes(program: &Program<'_>, wasm: &[u8], cut: &Ranges, places: &Places) -> Result<Vec<Shape>> {
    let mut shapes = Vec::new();
    let mut entries = program.relocations()?.into_iter().peekable();
    for function in &program.functions.defined {
        let range = function.body.range();
        let range = place(range.start)..place(range.end);
        let mut body = wasm[range.clone()].to_vec();
        let mut references = Vec::new();
        while let Some((at, entry)) = entries.next_if(|(at, _)| *at < range.end) {
            if at < range.start || cut.contains(at) {
                continue;
            }
            let offset = at - range.start;
            let end = (offset + entry.ty.extent()).min(body.len());
            body[offset..end].fill(0);
            let target = match program.symbols.get(entry.index as usize) {
                _ if entry.ty == RelocationType::TypeIndexLeb => Target::Other(entry.index),
                Some(SymbolInfo::Func { index, .. }) => Target::Function(*index),
                _ => {
                    let symbol = places.instead_of(entry.index, &entry);
                    program.data(symbol).map_or(Target::Other(symbol), Target::Data)
                }
            };
            references.push(Reference {
                offset,
                kind: entry.ty as u8,
                target,
                addend: entry.addend,
            });
        }
        shapes.push(Shape { index: function.index, kind: function.kind, body, references });
    }
    Ok(shapes)
}
