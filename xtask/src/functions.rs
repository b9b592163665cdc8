//! The functions of a WebAssembly file, with their names.

use std::collections::HashMap;

use wasmparser::{FunctionBody, KnownCustom, Name, Parser, Payload, Result, TypeRef};

pub struct Functions<'a> {
    /// How many are imported. They come before all others.
    pub imported: u32,
    /// All others, in their order.
    pub defined: Vec<Function<'a>>,
}

pub struct Function<'a> {
    pub index: u32,
    /// As the compiler writes it. It is empty if the file has none.
    pub symbol: &'a str,
    /// The number of its type.
    pub kind: u32,
    pub body: FunctionBody<'a>,
}

impl Function<'_> {
    /// The name as in the source, without a hash.
    pub fn name(&self) -> String {
        format!("{:#}", rustc_demangle::demangle(self.symbol))
    }
}

impl<'a> Functions<'a> {
    pub fn read(wasm: &'a [u8]) -> Result<Self> {
        let mut imported = 0;
        let (mut kinds, mut bodies) = (Vec::new(), Vec::new());
        let mut names = HashMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(types) => {
                    kinds = types.into_iter().collect::<Result<_>>()?;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::CustomSection(section) => {
                    let KnownCustom::Name(sections) = section.as_known() else { continue };
                    for section in sections {
                        let Name::Function(functions) = section? else { continue };
                        for function in functions {
                            let function = function?;
                            names.insert(function.index, function.name);
                        }
                    }
                }
                _ => {}
            }
        }
        let defined = (imported..).zip(kinds).zip(bodies).map(|((index, kind), body)| {
            let symbol = names.get(&index).copied().unwrap_or_default();
            Function { index, symbol, kind, body }
        });
        Ok(Self { imported, defined: defined.collect() })
    }
}
