//! Frames that no machine of ours has sent.

use settee_store::Revision;
use settee_sync::{
    Checkpoint, DenialCode, Role,
    digest::DocumentDigest,
    message::{
        Acknowledge, Allowance, Changes, Close, Closed, Compare, Differences, Goodbye, GoodbyeCode,
        Hello, Lacking, Message, Offer, Offered, Open, Opened, Part, Ping, Pong, Received, Refusal,
        Want, WireDocument, WireRevision,
    },
};

use super::documents;
use crate::{history, input::Input};

/// Most input bytes from which the documents of a frame are made.
const HISTORY: u8 = 24;

/// A frame that is well formed, or just bytes.
pub fn forged(input: &mut Input<'_>) -> Vec<u8> {
    let (kind, choice) = (input.byte(), input.byte());
    let (channel, bits) = (u32::from(choice % 4), choice >> 2);
    let message: Message = match kind % 22 {
        0 => hello(bits).into(),
        1 => Goodbye { code: goodbye(bits), message: String::new() }.into(),
        2 => Ping {}.into(),
        3 => Pong {}.into(),
        4 => open(channel, bits, input).into(),
        5 | 6 => opened(channel, bits, input).into(),
        7 => Closed { channel, code: denial(bits), message: String::new() }.into(),
        8 => Close { channel }.into(),
        9..=11 => changes(channel, bits, input).into(),
        12 | 13 => acknowledge(channel, bits, input).into(),
        14 => Compare { channel, buckets: vec![bits; 8 << (bits & 3)] }.into(),
        15 => differences(channel, bits, input).into(),
        16 => Want { channel, ids: vec![documents::id(bits)] }.into(),
        17 => offer(channel, bits).into(),
        18 => {
            let ids = vec![documents::id(bits); usize::from(bits & 1)];
            Lacking { channel, offer: u32::from(bits >> 1 & 3), ids }.into()
        }
        19 => part(bits, input).into(),
        20 => Received {}.into(),
        _ => return input.bytes(usize::from(choice % 32)).to_vec(),
    };
    message.encode()
}

fn hello(bits: u8) -> Hello {
    let versions = if bits == 0 { vec![9] } else { vec![1 + (bits & 1)] };
    Hello { versions, agent: String::new() }
}

fn open(channel: u32, bits: u8, input: &mut Input<'_>) -> Open {
    Open {
        channel,
        database: super::name(usize::from(bits & 1)),
        credentials: vec![bits >> 1 & 3],
        checkpoint: (bits & 8 != 0).then(|| position(input)),
    }
}

fn opened(channel: u32, bits: u8, input: &mut Input<'_>) -> Opened {
    let Checkpoint { incarnation, run, seq, .. } = position(input);
    let role = if bits & 1 == 0 { Role::Viewer } else { Role::Editor };
    let resumed = bits & 2 == 0;
    let most = u64::from(bits >> 2);
    let allowance = (bits & 4 != 0).then_some(Allowance {
        credit: most,
        batch: most,
        batch_documents: most & 3,
        frame: most,
    });
    Opened { channel, role, incarnation, run, seq, resumed, allowance }
}

fn changes(channel: u32, bits: u8, input: &mut Input<'_>) -> Changes {
    let (batch, seq) = (u32::from(bits & 7), (bits & 8 != 0).then(|| position(input).seq));
    let latest = (bits & 16 != 0).then(|| position(input).seq);
    Changes { channel, batch, seq, documents: forged_documents(input), latest }
}

fn acknowledge(channel: u32, bits: u8, input: &mut Input<'_>) -> Acknowledge {
    let (batch, seq) = (u32::from(bits & 7), (bits & 8 != 0).then(|| position(input).seq));
    let revision = Revision::new(u32::from(bits & 3), [bits; 16]).ok();
    let refusal = Refusal { id: documents::id(bits), reason: String::new(), revision };
    let refused = (bits & 16 != 0).then_some(refusal).into_iter().collect();
    let is_current = (bits & 32 != 0).then_some(bits & 64 == 0);
    Acknowledge { channel, batch, refused, seq, is_current }
}

fn differences(channel: u32, bits: u8, input: &mut Input<'_>) -> Differences {
    let (seq, id) = (position(input).seq, documents::id(bits));
    let digest = [input.byte(); 8].into();
    let deleted = (bits & 4 != 0).then_some(bits & 8 == 0);
    let documents = (bits & 16 == 0).then(|| vec![DocumentDigest { id, digest, deleted }]);
    Differences { channel, seq, buckets: vec![u16::from(bits & 3)], documents }
}

fn offer(channel: u32, bits: u8) -> Offer {
    let revisions = Revision::new(1, [bits; 16]).into_iter().collect();
    let offered = Offered { id: documents::id(bits), revisions };
    Offer { channel, offer: u32::from(bits >> 5), documents: vec![offered; 1 << (bits & 7)] }
}

fn part(bits: u8, input: &mut Input<'_>) -> Part {
    let bytes = if bits & 2 == 0 { forged(input) } else { input.bytes(bits.into()).to_vec() };
    Part { bytes, is_last: (bits & 1 != 0).then_some(bits & 4 == 0) }
}

/// The frame with a small change.
pub fn mutated(mut frame: Vec<u8>, input: &mut Input<'_>) -> Vec<u8> {
    let (at, choice) = (input.byte(), input.byte());
    let at = usize::from(at) % frame.len().max(1);
    match choice % 8 {
        0 => frame.truncate(at),
        1 => frame.extend(input.bytes(usize::from(choice >> 3))),
        _ => {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= choice;
            }
        }
    }
    frame
}

fn forged_documents(input: &mut Input<'_>) -> Vec<WireDocument> {
    let choice = input.byte();
    let bytes = input.bytes(usize::from((choice >> 3) % HISTORY));
    let revisions = history::nodes(&mut Input(bytes)).into_iter().map(|node| WireRevision {
        revision: (choice & 3 > 0).then_some(node.revision),
        parent: node.parent.map(|parent: Revision| parent.hash().into()),
        body: node.body.map(|body| body.as_str().as_bytes().to_vec().into()),
        deleted: node.deleted.then_some(true),
        merges: (!node.merges.is_empty()).then_some(node.merges),
    });
    let document =
        WireDocument { id: documents::id(choice), revisions: revisions.collect(), forgotten: None };
    vec![document; usize::from(choice >> 2 & 1) + 1]
}

/// A position of a database, which may be wrong.
fn position(input: &mut Input<'_>) -> Checkpoint {
    let choice = input.byte();
    let seq = if choice < 240 { u64::from(choice % 16) } else { u64::MAX - u64::from(choice % 2) };
    Checkpoint::new([0x80 | choice >> 4 & 1; 16], [7; 16], seq)
}

fn goodbye(choice: u8) -> GoodbyeCode {
    let codes = [
        GoodbyeCode::Malformed,
        GoodbyeCode::NoCommonVersion,
        GoodbyeCode::Silence,
        GoodbyeCode::Stopping,
        GoodbyeCode::Overload,
    ];
    codes[usize::from(choice) % codes.len()]
}

fn denial(choice: u8) -> DenialCode {
    let codes = [DenialCode::Denied, DenialCode::Revoked, DenialCode::Unknown, DenialCode::TooMany];
    codes[usize::from(choice) % codes.len()]
}
