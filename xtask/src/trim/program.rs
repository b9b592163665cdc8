//! A linked program, with what the linker says about it: the relocations.

use std::collections::HashMap;
use std::ops::Range;

use wasmparser::{
    KnownCustom, Linking, Parser, Payload, RelocSectionReader, RelocationEntry, Result, SymbolInfo,
};

use super::flow::Ranges;
use super::places::Places;
use super::same::Same;
use crate::functions::Functions;

const CODE_RELOCATIONS: &str = "reloc.CODE";
const DATA_RELOCATIONS: &str = "reloc.DATA";
/// A custom section's number.
const CUSTOM: u8 = 0;

pub struct Program<'a> {
    pub wasm: &'a [u8],
    pub functions: Functions<'a>,
    pub symbols: Vec<SymbolInfo<'a>>,
    /// By the place in the file where the symbol's address stands: the number of that symbol.
    pub references: HashMap<usize, u32>,
    /// Where the data of each segment begins.
    segments: Vec<usize>,
    /// Where the functions' section begins, which relocations count from.
    code: usize,
    relocations: RelocSectionReader<'a>,
    /// The section with the code's relocations, with its head.
    relocations_place: Range<usize>,
}

impl<'a> Program<'a> {
    /// None if the linker wasn't asked for relocations.
    pub fn read(wasm: &'a [u8]) -> Result<Option<Self>> {
        let (mut code, mut data) = (0, 0);
        let (mut symbols, mut segments) = (Vec::new(), Vec::new());
        let mut relocations = None;
        let mut data_relocations = Vec::new();
        // A section's head begins where the section before it ends.
        let mut end = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            let section =
                payload.as_section().map(|(_, range)| place(range.start)..place(range.end));
            match payload {
                Payload::Version { range, .. } => end = place(range.end),
                Payload::CodeSectionStart { range, .. } => code = place(range.start),
                Payload::DataSection(section) => {
                    data = place(section.range().start);
                    for segment in section {
                        let segment = segment?;
                        segments.push(place(segment.range.end) - segment.data.len());
                    }
                }
                Payload::CustomSection(custom) => match (custom.name(), custom.as_known()) {
                    (CODE_RELOCATIONS, KnownCustom::Reloc(reader)) => {
                        let head = end;
                        relocations = Some((reader, head..place(custom.range().end)));
                    }
                    (DATA_RELOCATIONS, KnownCustom::Reloc(reader)) => {
                        for entry in reader.entries() {
                            let entry = entry?;
                            data_relocations.push((place(entry.offset), entry.index));
                        }
                    }
                    (_, KnownCustom::Linking(linking)) => {
                        for part in linking.subsections() {
                            let Linking::SymbolTable(table) = part? else { continue };
                            symbols = table.into_iter().collect::<Result<_>>()?;
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
            end = section.map_or(end, |section| section.end);
        }
        let Some((relocations, relocations_place)) = relocations else { return Ok(None) };
        Ok(Some(Self {
            wasm,
            functions: Functions::read(wasm)?,
            symbols,
            references: data_relocations.iter().map(|(at, symbol)| (data + at, *symbol)).collect(),
            segments,
            code,
            relocations,
            relocations_place,
        }))
    }

    /// Where the file has a symbol's data.
    pub fn data(&self, symbol: u32) -> Option<Range<usize>> {
        let Some(SymbolInfo::Data { symbol: Some(defined), .. }) =
            self.symbols.get(symbol as usize)
        else {
            return None;
        };
        let start = self.segments.get(defined.index as usize)? + place(defined.offset);
        Some(start..start + place(defined.size)).filter(|range| range.end <= self.wasm.len())
    }

    /// The code's relocations, in their order, and where each is in the file.
    pub fn relocations(&self) -> Result<Vec<(usize, RelocationEntry)>> {
        let entries = self.relocations.entries().into_iter();
        entries.map(|entry| entry.map(|entry| (self.code + place(entry.offset), entry))).collect()
    }

    /// The program's changed bytes, with relocations that fit: none where instructions were cut, the first of
    /// all places in the source in the place of each, and one of the functions that are the same in the place of
    /// the others.
    pub fn with_relocations(
        &self,
        wasm: &[u8],
        cut: &Ranges,
        places: &Places,
        same: &Same,
    ) -> Result<Vec<u8>> {
        let mut changed = wasm[..self.relocations_place.start].to_vec();
        let mut entries = Vec::new();
        let mut count = 0;
        for (at, entry) in self.relocations()? {
            if cut.contains(at) {
                continue;
            }
            let symbol = match same.instead_of(&entry) {
                Some(instead) => {
                    instead.write(&mut changed[at..at + entry.ty.extent()]);
                    instead.symbol
                }
                None => places.instead_of(entry.index, &entry),
            };
            count += 1;
            entries.push(entry.ty as u8);
            write_unsigned(&mut entries, entry.offset.into());
            write_unsigned(&mut entries, symbol.into());
            if entry.ty.addend_kind() != wasmparser::RelocAddendKind::None {
                write_signed(&mut entries, entry.addend);
            }
        }
        let mut section = Vec::new();
        write_unsigned(&mut section, CODE_RELOCATIONS.len() as u64);
        section.extend_from_slice(CODE_RELOCATIONS.as_bytes());
        write_unsigned(&mut section, self.relocations.section_index().into());
        write_unsigned(&mut section, count);
        section.append(&mut entries);

        changed.push(CUSTOM);
        write_unsigned(&mut changed, section.len() as u64);
        changed.append(&mut section);
        changed.extend_from_slice(&wasm[self.relocations_place.end..]);
        Ok(changed)
    }
}

/// Files of this size fit into memory, where places are counted by `usize`.
pub fn place(position: impl TryInto<usize>) -> usize {
    position.try_into().unwrap_or(usize::MAX)
}

/// Numbers as WebAssembly writes them: seven bits a byte, the lowest first, and a mark where more follow.
fn write_unsigned(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn write_signed(bytes: &mut Vec<u8>, mut number: i64) {
    while !(-0x40..0x40).contains(&number) {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0] & 0x7f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_reader_reads_them() {
        for number in
            [0, 1, -1, 63, 64, -64, -65, 8191, -8192, i64::from(i32::MAX), i64::from(i32::MIN)]
        {
            let mut bytes = Vec::new();
            write_signed(&mut bytes, number);
            assert_eq!(wasmparser::BinaryReader::new(&bytes, 0).read_var_i64().ok(), Some(number));
            let mut bytes = Vec::new();
            write_unsigned(&mut bytes, number.unsigned_abs());
            let read = wasmparser::BinaryReader::new(&bytes, 0).read_var_u64().ok();
            assert_eq!(read, Some(number.unsigned_abs()));
        }
    }
}
