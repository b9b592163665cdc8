//! Where a function goes: whether it returns, and which of its instructions lead into a panic only.

use std::collections::HashSet;
use std::ops::Range;

use wasmparser::{FunctionBody, Operator, Result};

use super::program::place;

/// Parts of a file, in their order.
#[derive(Debug, Default)]
pub struct Ranges(Vec<Range<usize>>);

impl Ranges {
    /// Adds a part that comes behind all others.
    pub fn push(&mut self, range: Range<usize>) {
        self.0.push(range);
    }

    pub fn contains(&self, place: usize) -> bool {
        let next = self.0.partition_point(|range| range.end <= place);
        self.0.get(next).is_some_and(|range| range.contains(&place))
    }
}

/// The place of a function's instructions, without the last `end`.
pub fn instructions(body: &FunctionBody<'_>) -> Result<Range<usize>> {
    let start = body.get_operators_reader()?.original_position();
    Ok(place(start)..place(body.range().end) - 1)
}

/// The stretches of instructions that can only end in a call of one of the panics. Each begins behind the
/// last branch or call before it: what comes before that may have to be done.
pub fn ways_into(body: &FunctionBody<'_>, panics: &HashSet<u32>) -> Result<Vec<Range<usize>>> {
    let mut ways = Vec::new();
    let mut reader = body.get_operators_reader()?;
    let mut start = place(reader.original_position());
    while !reader.eof() {
        let operator = reader.read()?;
        let end = place(reader.original_position());
        match operator {
            Operator::Call { function_index } if panics.contains(&function_index) => {
                ways.push(start..end);
                start = end;
            }
            _ if ends_stretch(&operator) => start = end,
            _ => {}
        }
    }
    Ok(ways)
}

fn ends_stretch(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::TryTable { .. }
            | Operator::Throw { .. }
    )
}

/// A block that isn't closed yet.
struct Block {
    kind: Kind,
    /// Whether its first instruction can be reached.
    is_entered: bool,
    /// Whether a branch leads to its end.
    is_left: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    /// A branch to it leads to its start.
    Loop,
    /// An `if` without an `else` so far, which may be passed by.
    If,
}

/// Whether a function surely ends in a trap or in one of the panics, and tells JavaScript nothing before:
/// a function that throws an error there has something to say.
pub fn never_returns(
    body: &FunctionBody<'_>,
    panics: &HashSet<u32>,
    imported: u32,
) -> Result<bool> {
    let mut blocks = vec![Block { kind: Kind::Block, is_entered: true, is_left: false }];
    let mut is_live = true;
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        let opened = |kind| Block { kind, is_entered: is_live, is_left: false };
        let targets: Vec<u32> = match &operator {
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                vec![*relative_depth]
            }
            Operator::BrTable { targets } => {
                let all: Result<Vec<u32>> =
                    targets.targets().chain([Ok(targets.default())]).collect();
                all?
            }
            _ => Vec::new(),
        };
        for depth in targets.iter().filter(|_| is_live) {
            if let Some(block) = blocks.iter_mut().rev().nth(*depth as usize) {
                block.is_left = true;
            }
        }
        match operator {
            Operator::Block { .. } => blocks.push(opened(Kind::Block)),
            Operator::Loop { .. } => blocks.push(opened(Kind::Loop)),
            Operator::If { .. } => blocks.push(opened(Kind::If)),
            Operator::Else => {
                let Some(block) = blocks.last_mut() else { return Ok(false) };
                block.is_left |= is_live;
                block.kind = Kind::Block;
                is_live = block.is_entered;
            }
            Operator::End => {
                let Some(block) = blocks.pop() else { return Ok(false) };
                is_live |= match block.kind {
                    Kind::Block => block.is_left,
                    Kind::Loop => false,
                    Kind::If => block.is_entered,
                };
            }
            Operator::Call { function_index } if panics.contains(&function_index) => {
                is_live = false;
            }
            Operator::Call { function_index } if function_index < imported && is_live => {
                return Ok(false);
            }
            Operator::Return | Operator::Throw { .. } | Operator::TryTable { .. } if is_live => {
                return Ok(false);
            }
            Operator::Br { .. } | Operator::BrTable { .. } | Operator::Unreachable => {
                is_live = false;
            }
            _ => {}
        }
    }
    Ok(!is_live)
}

#[cfg(test)]
mod tests {
    use wasmparser::BinaryReader;

    use super::*;

    /// No locals; `call 7` is an import, and `call 9` a panic.
    fn goes_on(code: &[u8]) -> bool {
        let bytes = [&[0], code, &[0x0b]].concat();
        let body = FunctionBody::new(BinaryReader::new(&bytes, 0));
        !never_returns(&body, &HashSet::from([9]), 8).expect("the bytes are instructions")
    }

    const PANIC: &[u8] = &[0x10, 9, 0x00];
    const IMPORT: &[u8] = &[0x10, 7];
    const BLOCK: &[u8] = &[0x02, 0x40];
    const LOOP: &[u8] = &[0x03, 0x40];
    const IF: &[u8] = &[0x41, 1, 0x04, 0x40];
    const ELSE: &[u8] = &[0x05];
    const END: &[u8] = &[0x0b];
    const LEAVE: &[u8] = &[0x0c, 0];
    const RETURN: &[u8] = &[0x0f];

    #[test]
    fn a_function_never_returns_if_all_its_ways_end_in_a_panic() {
        assert!(!goes_on(PANIC));
        assert!(!goes_on(&[IF, PANIC, ELSE, PANIC, END].concat()));
        assert!(!goes_on(&[BLOCK, LEAVE, END, PANIC].concat()));
        assert!(!goes_on(&[LOOP, LEAVE, END].concat()));
        assert!(!goes_on(&[IF, END, PANIC].concat()));
    }

    #[test]
    fn a_function_goes_on_if_one_way_leads_to_its_end() {
        assert!(goes_on(&[]));
        assert!(goes_on(RETURN));
        assert!(goes_on(&[IF, PANIC, END].concat()));
        assert!(goes_on(&[IF, PANIC, ELSE, END].concat()));
        assert!(goes_on(&[IF, LEAVE, ELSE, PANIC, END].concat()));
        assert!(goes_on(&[BLOCK, LEAVE, PANIC, END].concat()));
        assert!(goes_on(&[BLOCK, IF, &[0x0c, 1], END, PANIC, END].concat()));
    }

    #[test]
    fn what_tells_javascript_something_first_is_no_panic() {
        assert!(goes_on(&[IMPORT, PANIC].concat()));
        assert!(!goes_on(&[PANIC, IMPORT].concat()));
    }

    #[test]
    fn a_way_into_a_panic_begins_behind_what_may_have_to_be_done() -> Result<()> {
        let [constant, call]: [&[u8]; 2] = [&[0x41, 5, 0x1a], &[0x10, 8]];
        let code = [&[0], constant, call, constant, PANIC, END].concat();
        let body = FunctionBody::new(BinaryReader::new(&code, 100));
        let ways = ways_into(&body, &HashSet::from([9]))?;
        // The local variables' count, a constant and a call come before it, and `unreachable` behind.
        assert_eq!((ways.len(), ways[0].clone()), (1, 106..111));
        assert_eq!(instructions(&body)?, 101..112);
        Ok(())
    }

    #[test]
    fn a_place_is_in_a_range_or_between_two() {
        let mut ranges = Ranges::default();
        ranges.push(2..4);
        ranges.push(6..7);
        let inside: Vec<_> = (0..9).filter(|place| ranges.contains(*place)).collect();
        assert_eq!(inside, [2, 3, 6]);
    }
}
