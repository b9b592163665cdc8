//! Frames that no honest machine has sent.

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

/// Most bytes that one frame's documents are made of.
const HISTORY: u8 = 24;

/// A frame that makes sense by itself, or bytes that make none.
pub fn forged(input: &mut Input<'_>) -> Vec<u8> {
    let (kind, says) = (input.byte(), input.byte());
    let (channel, many) = (u32::from(says % 4), says >> 2);
    let message: Message = match kind % 22 {
        0 => Hello {
            versions: if many == 0 { vec![9] } else { vec![1 + (many & 1)] },
            agent: String::new(),
        }
        .into(),
        1 => Goodbye { code: goodbye(many), message: String::new() }.into(),
        2 => Ping {}.into(),
        3 => Pong {}.into(),
        4 => Open {
            channel,
            database: super::name(usize::from(many & 1)),
            credentials: vec![many >> 1 & 3],
            checkpoint: (many & 8 != 0).then(|| position(input)),
        }
        .into(),
        5 | 6 => {
            let Checkpoint { incarnation, run, seq, .. } = position(input);
            let role = if many & 1 == 0 { Role::Viewer } else { Role::Editor };
            let resumed = many & 2 == 0;
            let most = u64::from(many >> 2);
            let allowance = (many & 4 != 0).then_some(Allowance {
                credit: most,
                batch: most,
                batch_documents: most & 3,
                frame: most,
            });
            Opened { channel, role, incarnation, run, seq, resumed, allowance }.into()
        }
        7 => Closed { channel, code: denial(many), message: String::new() }.into(),
        8 => Close { channel }.into(),
        9..=11 => {
            let (batch, seq) = (u32::from(many & 7), (many & 8 != 0).then(|| position(input).seq));
            let latest = (many & 16 != 0).then(|| position(input).seq);
            Changes { channel, batch, seq, documents: forged_documents(input), latest }.into()
        }
        12 | 13 => {
            let (batch, seq) = (u32::from(many & 7), (many & 8 != 0).then(|| position(input).seq));
            let revision = || Revision::new(u32::from(many & 3), [many; 16]).ok();
            let (id, reason) = (documents::id(many), String::new());
            let refusal = || Refusal { id, reason, revision: revision() };
            let refused = (many & 16 != 0).then(refusal).into_iter().collect();
            let is_current = (many & 32 != 0).then_some(many & 64 == 0);
            Acknowledge { channel, batch, refused, seq, is_current }.into()
        }
        14 => Compare { channel, buckets: vec![many; 8 << (many & 3)] }.into(),
        15 => {
            let (seq, id) = (position(input).seq, documents::id(many));
            let digest = [input.byte(); 8].into();
            let deleted = (many & 4 != 0).then_some(many & 8 == 0);
            let documents = (many & 16 == 0).then(|| vec![DocumentDigest { id, digest, deleted }]);
            Differences { channel, seq, buckets: vec![u16::from(many & 3)], documents }.into()
        }
        16 => Want { channel, ids: vec![documents::id(many)] }.into(),
        17 => {
            let revisions = Revision::new(1, [many; 16]).into_iter().collect();
            let offered = Offered { id: documents::id(many), revisions };
            let documents = vec![offered; 1 << (many & 7)];
            Offer { channel, offer: u32::from(many >> 5), documents }.into()
        }
        18 => {
            let ids = vec![documents::id(many); usize::from(many & 1)];
            Lacking { channel, offer: u32::from(many >> 1 & 3), ids }.into()
        }
        19 => {
            let bytes =
                if many & 2 == 0 { forged(input) } else { input.bytes(many.into()).to_vec() };
            Part { bytes, is_last: (many & 1 != 0).then_some(many & 4 == 0) }.into()
        }
        20 => Received {}.into(),
        _ => return input.bytes(usize::from(says % 32)).to_vec(),
    };
    message.encode()
}

/// Another frame that differs a little.
pub fn mutated(mut frame: Vec<u8>, input: &mut Input<'_>) -> Vec<u8> {
    let (at, says) = (input.byte(), input.byte());
    let at = usize::from(at) % frame.len().max(1);
    match says % 8 {
        0 => frame.truncate(at),
        1 => frame.extend(input.bytes(usize::from(says >> 3))),
        _ => {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= says;
            }
        }
    }
    frame
}

fn forged_documents(input: &mut Input<'_>) -> Vec<WireDocument> {
    let says = input.byte();
    let bytes = input.bytes(usize::from((says >> 3) % HISTORY));
    let revisions = history::nodes(&mut Input(bytes)).into_iter().map(|node| WireRevision {
        revision: node.revision,
        parent: node.parent.map(|parent: Revision| parent.hash().into()),
        body: node.body.map(|body| body.as_str().as_bytes().to_vec().into()),
        deleted: node.deleted.then_some(true),
        merges: (!node.merges.is_empty()).then_some(node.merges),
    });
    let document =
        WireDocument { id: documents::id(says), revisions: revisions.collect(), forgotten: None };
    vec![document; usize::from(says >> 2 & 1) + 1]
}

/// Where a database may be, or may not.
fn position(input: &mut Input<'_>) -> Checkpoint {
    let says = input.byte();
    let seq = if says < 240 { u64::from(says % 16) } else { u64::MAX - u64::from(says % 2) };
    Checkpoint::new([0x80 | says >> 4 & 1; 16], [7; 16], seq)
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
