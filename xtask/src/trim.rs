//! Takes out of a linked program for browsers what no run of it needs.
//!
//! A panic only has to end the program, and WebAssembly has one instruction for that. What builds a panic's
//! message is a tenth of the program, so a release build goes without: the page tells by the trap that the
//! app broke. The standard library that comes with the compiler can't be told to leave that out, and code
//! that only the message needs is found by nothing but the linker's relocations. So this comes after the
//! linker, before anything else reads its file: whatever isn't referred to any more is left out there.

mod flow;
mod places;
mod program;
mod rules;
mod same;

use std::collections::HashSet;
use std::path::Path;

use wasmparser::Validator;

use crate::error::{Error, Result};
use crate::functions::{Function, Functions};
use flow::Ranges;
use program::Program;
use rules::Fate;

/// Trims the file that the linker has written.
pub fn trim_file(path: &Path) -> Result<()> {
    let wasm = std::fs::read(path).map_err(Error::file(path))?;
    let unreadable = |error| Error::advice(format!("{}: {error}", path.display()));
    let Some(program) = Program::read(&wasm).map_err(unreadable)? else {
        // Without relocations the linker's file can't be changed, and then it is larger but right.
        return Ok(());
    };
    let trimmed = trim(&program).map_err(unreadable)?;
    std::fs::write(path, trimmed).map_err(Error::file(path))
}

/// The same program without what no run needs. Nothing changes its place, so that every relocation that
/// is left still fits.
fn trim(program: &Program<'_>) -> wasmparser::Result<Vec<u8>> {
    let panics = panics(program)?;
    let mut wasm = program.wasm.to_vec();
    let mut cut = Ranges::default();
    for function in &program.functions.defined {
        let body = flow::instructions(&function.body)?;
        if panics.contains(&function.index) {
            trap(&mut wasm, &body);
            cut.push(body);
            continue;
        }
        match rules::fate(&function.name()) {
            Some(Fate::Trap) => trap(&mut wasm, &body),
            Some(Fate::Zero) if body.len() >= 2 => zero(&mut wasm, &body),
            _ => {
                for way in flow::ways_into(&function.body, &panics)? {
                    trap(&mut wasm, &way);
                    cut.push(way);
                }
                continue;
            }
        }
        cut.push(body);
    }
    let places = places::all(program);
    let same = same::find(program, &wasm, &cut, &places)?;
    let trimmed = program.with_relocations(&wasm, &cut, &places, &same)?;
    Validator::new().validate_all(&trimmed)?;
    Ok(trimmed)
}

/// The functions of the standard library that never return, but end in a panic.
fn panics(program: &Program<'_>) -> wasmparser::Result<HashSet<u32>> {
    let Functions { imported, defined } = &program.functions;
    let is_of_library = |function: &&Function<'_>| rules::is_of_library(&function.name());
    let library: Vec<_> = defined.iter().filter(is_of_library).collect();
    let first = library.iter().filter(|function| rules::is_panic(&function.name()));
    let mut panics: HashSet<u32> = first.map(|function| function.index).collect();
    loop {
        let before = panics.len();
        for function in &library {
            if flow::never_returns(&function.body, &panics, *imported)? {
                panics.insert(function.index);
            }
        }
        if panics.len() == before {
            return Ok(panics);
        }
    }
}

const UNREACHABLE: u8 = 0x00;
const NOP: u8 = 0x01;
const I32_CONST: u8 = 0x41;

/// Puts a trap in the place of instructions, and nothing behind it.
fn trap(wasm: &mut [u8], range: &std::ops::Range<usize>) {
    wasm[range.clone()].fill(NOP);
    if let Some(first) = wasm[range.clone()].first_mut() {
        *first = UNREACHABLE;
    }
}

/// Puts the answer 0 in the place of at least two bytes of instructions.
fn zero(wasm: &mut [u8], range: &std::ops::Range<usize>) {
    wasm[range.clone()].fill(NOP);
    wasm[range.start] = I32_CONST;
    wasm[range.start + 1] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section of up to 255 bytes.
    fn section(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("it is short");
        [&[number, length & 0x7f | 0x80, length >> 7], content].concat()
    }

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(name.len()).expect("it is short");
        section(0, &[&[length], name.as_bytes(), content].concat())
    }

    fn function(code: &[u8]) -> Vec<u8> {
        let length = u8::try_from(code.len() + 2).expect("it is short");
        [&[length, 0], code, &[0x0b]].concat()
    }

    /// Three functions: one that panics, one that calls it behind a constant, and one that calls that.
    fn linked() -> Vec<u8> {
        let panics = function(&[UNREACHABLE]);
        let call = |index: u8| [0x10, 0x80 | index, 0x80, 0x80, 0x80, 0x00];
        let leads = function(&[&[I32_CONST, 5, 0x1a][..], &call(0), &[UNREACHABLE]].concat());
        let calls = function(&call(1));
        let names = ["core::panicking::panic_fmt", "app::leads", "app::calls"];
        let names = (0..).zip(names).flat_map(|(index, name): (u8, _)| {
            [&[index, u8::try_from(name.len()).expect("it is short")], name.as_bytes()].concat()
        });
        let names: Vec<u8> = [3].into_iter().chain(names).collect();
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 0]),
            section(3, &[3, 0, 0, 0]),
            section(10, &[&[3][..], &panics, &leads, &calls].concat()),
            // The functions' calls, of the symbols 0 and 1, in the third section.
            custom("reloc.CODE", &[2, 2, 0, 11, 0, 0, 21, 1]),
            custom("name", &section(1, &names)),
        ]
        .concat()
    }

    /// Three functions: two that are the same, and one that calls the second of them.
    fn linked_twice() -> Vec<u8> {
        let long = function(&[NOP; 60]);
        let call = [0x10, 0x81, 0x80, 0x80, 0x80, 0x00];
        let calls = function(&call);
        let symbols: Vec<u8> = ["a", "b", "c"]
            .iter()
            .zip(0..)
            .flat_map(|(name, index): (_, u8)| [&[0, 0, index, 1], name.as_bytes()].concat())
            .collect();
        let table = section(8, &[&[3][..], &symbols].concat());
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 0]),
            section(3, &[3, 0, 0, 0]),
            section(10, &[&[3][..], &long, &long, &calls].concat()),
            custom("linking", &[&[2][..], &table].concat()),
            custom("reloc.CODE", &[2, 1, 0, 130, 1, 1]),
        ]
        .concat()
    }

    #[test]
    fn one_function_is_called_in_the_place_of_those_that_are_the_same() -> Result<()> {
        let wasm = linked_twice();
        let unreadable = |error: wasmparser::BinaryReaderError| Error::advice(error.to_string());
        let program = Program::read(&wasm).map_err(unreadable)?.expect("it has relocations");
        let trimmed = trim(&program).map_err(unreadable)?;
        let calls = |wasm: &[u8]| {
            let program = Program::read(wasm).ok().flatten().expect("it can be read");
            program.functions.defined[2].body.as_bytes()[1..7].to_vec()
        };
        assert_eq!(calls(&wasm), [0x10, 0x81, 0x80, 0x80, 0x80, 0x00]);
        assert_eq!(calls(&trimmed), [0x10, 0x80, 0x80, 0x80, 0x80, 0x00]);
        let program = Program::read(&trimmed).map_err(unreadable)?.expect("it has relocations");
        let relocations = program.relocations().map_err(unreadable)?;
        assert_eq!(relocations.iter().map(|(_, it)| it.index).collect::<Vec<_>>(), [0]);
        Ok(())
    }

    #[test]
    fn what_leads_into_a_panic_traps_at_once() -> Result<()> {
        let wasm = linked();
        let unreadable = |error: wasmparser::BinaryReaderError| Error::advice(error.to_string());
        let program = Program::read(&wasm).map_err(unreadable)?.expect("it has relocations");
        let trimmed = trim(&program).map_err(unreadable)?;
        let code = |wasm: &[u8]| {
            let bodies = Program::read(wasm).ok().flatten().map(|program| {
                let functions = program.functions.defined.iter();
                functions.map(|function| function.body.as_bytes().to_vec()).collect::<Vec<_>>()
            });
            bodies.expect("it can be read")
        };
        let [panics, leads, calls] = code(&trimmed).try_into().expect("it has three functions");
        assert_eq!(panics, [0, UNREACHABLE, 0x0b]);
        assert_eq!(leads, [&[0, UNREACHABLE][..], &[NOP; 8], &[UNREACHABLE, 0x0b]].concat());
        assert_eq!(calls, code(&wasm)[2]);
        // One relocation is left: that of the function that is called.
        let program = Program::read(&trimmed).map_err(unreadable)?.expect("it has relocations");
        let relocations = program.relocations().map_err(unreadable)?;
        assert_eq!(relocations.iter().map(|(_, it)| it.offset).collect::<Vec<_>>(), [21]);
        Ok(())
    }
}
