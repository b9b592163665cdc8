//! The bytes of each version of the protocol, as they are on the wire and in stores.
//!
//! What a version sends is in `golden/v<version>.txt`, a line for each of [`samples`]. Who adds a
//! message, or a key to one, adds a sample with everything set, and one without what is optional.
//! Then `SETTEE_WRITE_GOLDEN=1 cargo test -p settee-sync --test golden` writes the file of the
//! latest version, and [`DIGESTS`] gets its new digest. [`WHAT_TO_DO`] tells when that is allowed.
#![allow(clippy::unwrap_used, reason = "what can't be unwrapped here has failed the test")]

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use data_encoding::HEXLOWER;
use minicbor::{Decode, Decoder, Encoder};
use settee_store::{Body, DocumentId, Revision};
use settee_sync::{
    Checkpoint, DenialCode, Role,
    digest::DocumentDigest,
    message::{
        Acknowledge, Allowance, Changes, Close, Closed, Compare, Differences, FrameError, Goodbye,
        GoodbyeCode, Hello, Here, Lacking, Message, OPTIONAL, Offer, Offered, Open, Opened, Others,
        Part, Ping, Pong, Received, Refusal, VERSIONS, Want, WireDocument, WireRevision,
    },
};
use sha2::{Digest, Sha256};

/// Each version with the SHA-256 of its file. The last is the latest of [`VERSIONS`].
const DIGESTS: &[(u8, &str)] = &[
    (1, "8ae8465d446a8932b9bdd16f5c5edf0f9d9beba42704441710844707e33cdb4d"),
    (2, "25a44b7568239964f9ffd1a4b44cffa76a5b4ddf24c9494ec3435090c50f97f6"),
    (3, "ab09aabf9564b4b06cb3c4cfffe13693991400c5b0a3e14cc5b6c9c21eb770e3"),
];

const WHAT_TO_DO: &str = "\
What goes over the wire is not what this version of the protocol has fixed.
- If no release speaks the version yet, or if only something was added that others may skip (a key
  that may be absent, a message from 64 on) and no line that was there is different: write the file
  anew with SETTEE_WRITE_GOLDEN=1, put its digest into DIGESTS, and describe it in docs/protocol.md.
- Otherwise it is a new version: add its number to VERSIONS, write its file with
  SETTEE_WRITE_GOLDEN=1, and add its digest to DIGESTS. The files before it stay as they are, and
  still have to be read.";

/// Something that is kept or sent, with a name for its line.
#[derive(Debug, Clone, PartialEq)]
enum Sample {
    Frame(Message),
    /// What a client keeps between connections.
    Stored(Checkpoint),
}

impl Sample {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Frame(message) => message.encode(),
            Self::Stored(checkpoint) => checkpoint.encode(),
        }
    }

    /// Reads a line of any version's file.
    fn decode(name: &str, bytes: &[u8]) -> Option<Self> {
        if name.starts_with("stored/") {
            Checkpoint::decode(bytes).map(Self::Stored)
        } else {
            Message::decode(bytes).unwrap().map(Self::Frame)
        }
    }
}

/// Everything that has a line, in the order of the file.
fn samples() -> Vec<(String, Sample)> {
    let mut samples = vec![(
        "stored/checkpoint".to_owned(),
        Sample::Stored(Checkpoint { seq: 300, ..Checkpoint::new(INCARNATION, RUN, u64::MAX) }),
    )];
    samples.extend(frames().into_iter().map(|(name, message)| (name, Sample::Frame(message))));
    samples
}

const INCARNATION: [u8; 16] = *b"an incarnation's";
const RUN: [u8; 16] = *b"the server's run";

/// Every message: one with everything set, one without what is optional, and one for each code.
fn frames() -> Vec<(String, Message)> {
    let mut frames: Vec<(String, Message)> = Vec::new();
    let mut add = |name: &str, message: Message| frames.push((name.to_owned(), message));

    add("hello/client", Hello { versions: vec![1, 2, 3], agent: "settee/0.1.0".into() }.into());
    add("hello/server", Hello { versions: vec![3], agent: "settee-server/0.1.0".into() }.into());
    for (number, code) in codes::<GoodbyeCode>() {
        let message = "the connection ends".into();
        add(&format!("goodbye/{number}"), Goodbye { code, message }.into());
    }
    add("ping", Ping {}.into());
    add("pong", Pong {}.into());

    let open = |checkpoint| Open {
        channel: 300,
        database: "a-list".into(),
        credentials: b"secret".to_vec(),
        checkpoint,
    };
    add("open/full", open(Some(Checkpoint::new(INCARNATION, RUN, 70_000))).into());
    add("open/void", open(Some(Checkpoint::new([0; 16], [0; 16], 0))).into());
    add("open/bare", open(None).into());
    for (number, role) in codes::<Role>() {
        let opened = Opened {
            channel: 300,
            role,
            incarnation: INCARNATION.into(),
            run: RUN.into(),
            seq: 5_000_000_000,
            resumed: number > 0,
            allowance: (number > 0).then_some(Allowance {
                credit: 1_048_576,
                batch: 262_144,
                batch_documents: 4096,
                frame: 1_310_720,
            }),
        };
        add(&format!("opened/{number}"), opened.into());
    }
    for (number, code) in codes::<DenialCode>() {
        let message = "the channel is closed".into();
        add(&format!("closed/{number}"), Closed { channel: 300, code, message }.into());
    }
    add("close", Close { channel: 300 }.into());

    let changes =
        |batch, seq, documents| Changes { channel: 0, batch, seq, documents, latest: None };
    let full =
        Changes { latest: Some(5_000_000_000), ..changes(1000, Some(70_000), vec![merged()]) };
    add("changes/full", full.into());
    add("changes/bare", changes(0, None, Vec::new()).into());
    add("changes/announced", changes(2, Some(24), Vec::new()).into());
    add("changes/new", changes(0, None, vec![new()]).into());
    add("changes/named", changes(0, None, vec![named()]).into());
    add("changes/edited", changes(1, Some(2), vec![edited(), deleted()]).into());

    let revision = named().revisions[0].revision;
    let reason = "the field is too long".into();
    let refused = vec![Refusal { id: id("todo/1"), reason, revision }];
    add(
        "acknowledge/full",
        Acknowledge { channel: 0, batch: 1, refused, seq: Some(70_000), is_current: Some(true) }
            .into(),
    );
    let nothing = Vec::new();
    add(
        "acknowledge/bare",
        Acknowledge { channel: 0, batch: 0, refused: nothing, seq: None, is_current: None }.into(),
    );

    let offered =
        Offered { id: id("todo/1"), revisions: Vec::from_iter(named().revisions[0].revision) };
    add("offer", Offer { channel: 300, offer: 24, documents: vec![offered] }.into());
    add("lacking", Lacking { channel: 300, offer: 24, ids: vec![id("todo/1"), id("a/ü")] }.into());

    add("compare", Compare { channel: 300, buckets: b"8 bytes.and more".to_vec() }.into());
    let documents = vec![
        DocumentDigest { id: id("todo/1"), digest: (*b"8 bytes.").into(), deleted: Some(true) },
        DocumentDigest { id: id("todo/2"), digest: (*b"and more").into(), deleted: Some(false) },
    ];
    let differences =
        |buckets, documents| Differences { channel: 300, seq: 70_000, buckets, documents };
    add("differences/full", differences(vec![1, 4095], Some(documents)).into());
    add("differences/bare", differences(Vec::new(), None).into());
    let ids = vec![id("todo/1"), id("a/ü")];
    add("want", Want { channel: 300, ids }.into());
    add("part", Part { bytes: vec![0x82, 24], is_last: None }.into());
    add("part/last", Part { bytes: vec![3], is_last: Some(true) }.into());
    add("received", Received {}.into());
    add("here", Here { channel: 300, state: Some(b"state".to_vec().into()) }.into());
    add("here/not", Here { channel: 0, state: None }.into());
    let states = vec![b"one".to_vec().into(), b"other".to_vec().into()];
    add("others", Others { channel: 300, states }.into());
    add("others/none", Others { channel: 0, states: Vec::new() }.into());
    frames
}

/// Those of the numbers that mean something, with what they mean.
fn codes<T: for<'b> Decode<'b, ()>>() -> Vec<(u8, T)> {
    let meaning = |number: u8| Some((number, minicbor::decode(&[number]).ok()?));
    (0..24).filter_map(meaning).collect()
}

fn id(id: &str) -> DocumentId {
    DocumentId::new(id).unwrap()
}

fn revision(parent: Option<Revision>, merges: &[Revision], body: &str) -> WireRevision {
    let checked = Body::from_canonical(body.as_bytes()).unwrap();
    WireRevision {
        revision: Revision::derive(parent, merges, false, &checked).ok(),
        parent: parent.map(|parent| parent.hash().into()),
        body: Some(body.as_bytes().to_vec().into()),
        deleted: None,
        merges: None,
    }
}

/// A document as it is when it is made.
fn named() -> WireDocument {
    let revisions = vec![revision(None, &[], r#"{"completed":false,"title":"tea"}"#)];
    WireDocument { id: id("todo/1"), revisions, forgotten: None }
}

/// The same without the name that follows from it.
fn new() -> WireDocument {
    let mut document = named();
    document.revisions[0].revision = None;
    document
}

/// An edit, with the revision that it was made on named alone.
fn edited() -> WireDocument {
    let base = named().revisions.remove(0);
    let edit = revision(base.revision, &[], r#"{"completed":true,"title":"tea"}"#);
    let revisions = vec![WireRevision { body: None, ..base }, edit];
    WireDocument { id: id("todo/1"), revisions, forgotten: None }
}

/// A tombstone that is all that is left.
fn deleted() -> WireDocument {
    let parent = Revision::new(2, *b"a former version").unwrap();
    let revision = Revision::derive(Some(parent), &[], true, &Body::empty()).ok();
    let stub = WireRevision {
        revision,
        parent: Some(parent.hash().into()),
        body: Some(b"{}".to_vec().into()),
        deleted: Some(true),
        merges: None,
    };
    // 12 bytes for each: the generation, and the beginning of the hash.
    let forgotten = b"\0\0\0\x01earliest\0\0\0\x02a former";
    let forgotten = [[0x58, 24].as_slice(), forgotten].concat();
    let forgotten = Some(minicbor::decode(&forgotten).unwrap());
    WireDocument { id: id("todo/2"), revisions: vec![stub], forgotten }
}

/// A document that has everything a document can have.
fn merged() -> WireDocument {
    let parent = Revision::new(4_000_000, *b"of the one side.").unwrap();
    let merges = vec![
        Revision::new(7, *b"of another side.").unwrap(),
        Revision::new(300, *b"of a third side.").unwrap(),
    ];
    let body = Body::from_canonical(r#"{"title":"grün"}"#.as_bytes()).unwrap();
    let last = WireRevision {
        revision: Revision::derive(Some(parent), &merges, true, &body).ok(),
        parent: Some(parent.hash().into()),
        body: Some(body.as_str().as_bytes().to_vec().into()),
        deleted: Some(true),
        merges: Some(merges),
    };
    WireDocument { id: id("a/ü"), revisions: vec![last], forgotten: deleted().forgotten }
}

fn path(version: u8) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}.txt"))
}

fn latest() -> u8 {
    *VERSIONS.last().unwrap()
}

/// A version's lines: names, and bytes.
fn golden(version: u8) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(path(version)).unwrap();
    let line = |line: &str| {
        let (name, hex) = line.split_once(' ').unwrap();
        (name.to_owned(), HEXLOWER.decode(hex.as_bytes()).unwrap())
    };
    text.lines().map(line).collect()
}

fn is_malformed(frame: &[u8]) -> bool {
    matches!(Message::decode(frame), Err(FrameError::Malformed(_)))
}

/// A frame's type, its keys with their values as bytes.
fn parts(frame: &[u8]) -> (u16, Vec<(u8, Vec<u8>)>) {
    let mut decoder = Decoder::new(frame);
    assert_eq!(decoder.array().unwrap(), Some(2));
    let number = decoder.u16().unwrap();
    let length = decoder.map().unwrap().unwrap();
    let mut entry = || {
        let key = decoder.u8().unwrap();
        let from = decoder.position();
        decoder.skip().unwrap();
        (key, frame[from..decoder.position()].to_vec())
    };
    (number, (0..length).map(|_| entry()).collect())
}

fn frame_of(number: u16, keys: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut encoder = Encoder::new(&mut frame);
    encoder.array(2).unwrap().u16(number).unwrap().map(keys.len() as u64).unwrap();
    for (key, value) in keys {
        Encoder::new(&mut frame).u8(*key).unwrap();
        frame.extend(value);
    }
    frame
}

/// What a later version may say in a place that this one doesn't know.
fn unheard_of() -> Vec<Vec<u8>> {
    let deep = [vec![0x81; 50_000], vec![0xf6]].concat();
    let several = [[0x9f, 0x5f, 0x41, 7, 0xff, 0xbf].as_slice(), &[0xff, 0xff]].concat();
    let tagged = vec![0xc1, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0];
    vec![vec![0xf6], vec![0x1b; 9], b"\x63new".to_vec(), several, tagged, deep]
}

#[test]
fn what_is_sent_and_kept_is_as_it_was() {
    let line = |(name, sample): &(String, Sample)| {
        format!("{name} {}\n", HEXLOWER.encode(&sample.encode()))
    };
    let file: String = samples().iter().map(line).collect();
    if env::var_os("SETTEE_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path(latest()).parent().unwrap()).unwrap();
        fs::write(path(latest()), file).unwrap();
    }
    let golden = golden(latest());
    let expected: BTreeMap<&str, &[u8]> =
        golden.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    assert_eq!(expected.len(), golden.len(), "each name stands for one sample");
    for (name, sample) in samples() {
        let bytes = expected.get(name.as_str()).copied();
        let bytes = bytes.unwrap_or_else(|| panic!("{name} has no line.\n{WHAT_TO_DO}"));
        let (is, was) = (HEXLOWER.encode(&sample.encode()), HEXLOWER.encode(bytes));
        assert_eq!(is, was, "{name}\n{WHAT_TO_DO}");
        assert_eq!(Sample::decode(&name, bytes), Some(sample), "{name}\n{WHAT_TO_DO}");
    }
    assert_eq!(golden.len(), samples().len(), "a line has lost its sample.\n{WHAT_TO_DO}");
}

#[test]
fn the_wire_changes_with_the_version_only() {
    let versions: Vec<u8> = DIGESTS.iter().map(|(version, _)| *version).collect();
    assert!(versions.is_sorted_by(|one, next| one < next), "each version has one digest");
    assert!(VERSIONS.iter().all(|version| versions.contains(version)), "{WHAT_TO_DO}");
    assert_eq!(versions.last(), VERSIONS.last(), "{WHAT_TO_DO}");
    for (version, digest) in DIGESTS {
        let is = HEXLOWER.encode(&Sha256::digest(fs::read(path(*version)).unwrap()));
        assert_eq!(is, *digest, "the digest of v{version}.txt\n{WHAT_TO_DO}");
    }
}

#[test]
fn what_any_version_has_sent_is_read() {
    for (version, _) in DIGESTS {
        for (name, bytes) in golden(*version) {
            assert!(Sample::decode(&name, &bytes).is_some(), "{name} of version {version}");
        }
    }
}

#[test]
fn every_message_has_a_sample_with_everything_and_one_with_nothing_optional() {
    // What is known shows by not being unknown: so nothing has to be kept in step here.
    let is_known = |number: &u16| {
        let frame = frame_of(*number, &[]);
        !matches!(Message::decode(&frame), Ok(None) | Err(FrameError::UnknownType(_)))
    };
    for number in (0..=u16::MAX).filter(is_known) {
        let of_type = |(_, message): &(String, Message)| parts(&message.encode()).0 == number;
        let samples: Vec<Message> =
            frames().into_iter().filter(of_type).map(|(_, message)| message).collect();
        let is_full = |message: &Message| {
            let shown = format!("{message:?}");
            !shown.contains("None") && !shown.contains("[]")
        };
        assert!(samples.iter().any(is_full), "type {number}: a sample with everything set");
        // Without any of its keys, a sample that has only those it must have is no message.
        let is_bare = |message: &Message| {
            let (number, keys) = parts(&message.encode());
            (0..keys.len()).all(|left_out| {
                let mut fewer = keys.clone();
                fewer.remove(left_out);
                is_malformed(&frame_of(number, &fewer))
            })
        };
        assert!(samples.iter().any(is_bare), "type {number}: a sample without what is optional");
    }
}

#[test]
fn the_documents_among_the_samples_are_right() {
    for document in [named(), edited(), deleted(), merged()] {
        assert!(document.verify().is_ok(), "{document:?}");
    }
    assert_eq!(new().verify(), named().verify());
}

#[test]
fn keys_that_came_later_are_skipped() {
    for (name, message) in frames() {
        let (number, keys) = parts(&message.encode());
        for value in unheard_of() {
            let mut more = keys.clone();
            more.insert(keys.len() / 2, (200, value));
            let frame = frame_of(number, &more);
            assert_eq!(Message::decode(&frame), Ok(Some(message.clone())), "{name}");
        }
    }
}

#[test]
fn what_came_later_at_the_end_of_a_list_is_skipped() {
    // Documents, revisions, refusals and checkpoints are lists, which can only grow at their end.
    let longer = |value: Vec<u8>| {
        let length = value[0];
        assert!((0x80..0x97).contains(&length), "a short list");
        [[length + 1].as_slice(), &value[1..], &[0x81, 0x18, 99]].concat()
    };
    let list_of = |value: Vec<u8>| [[0x81].as_slice(), &value].concat();
    let encode = |value: &WireDocument| minicbor::to_vec(value).unwrap();

    let document = merged();
    let revision = longer(minicbor::to_vec(&document.revisions[0]).unwrap());
    let forgotten = minicbor::to_vec(&document.forgotten).unwrap();
    let name = minicbor::to_vec(&document.id).unwrap();
    let inner = [[0x83].as_slice(), &name, &list_of(revision), &forgotten].concat();
    for bytes in [longer(encode(&document)), inner] {
        assert_eq!(minicbor::decode::<WireDocument>(&bytes).unwrap(), document);
    }
    let revision = Revision::new(1, [7; 16]).ok();
    let refusal = Refusal { id: id("a"), reason: "b".into(), revision };
    let bytes = longer(minicbor::to_vec(&refusal).unwrap());
    assert_eq!(minicbor::decode::<Refusal>(&bytes).unwrap(), refusal);
    let checkpoint = Checkpoint::new(INCARNATION, RUN, 5);
    assert_eq!(Checkpoint::decode(&longer(checkpoint.encode())), Some(checkpoint));
}

#[test]
fn checkpoints_from_before_they_witnessed_anything_are_read() {
    let mut kept = Checkpoint::new(INCARNATION, RUN, 5).encode();
    assert_eq!((kept[0], kept.pop()), (0x84, Some(5)));
    kept[0] = 0x83;
    let read = Checkpoint::decode(&kept).unwrap();
    assert_eq!((read.seq, read.witnessed, read.latest()), (5, 0, 5));
}

#[test]
fn messages_that_came_later_are_skipped_or_named() {
    let known: Vec<u16> = frames().iter().map(|(_, message)| parts(&message.encode()).0).collect();
    for number in (0..300).chain([u16::MAX]).filter(|number| !known.contains(number)) {
        for value in unheard_of() {
            let mut frame = Vec::new();
            Encoder::new(&mut frame).array(2).unwrap().u16(number).unwrap();
            frame.extend(&value);
            let expected =
                if number < OPTIONAL { Err(FrameError::UnknownType(number)) } else { Ok(None) };
            assert_eq!(Message::decode(&frame), expected, "{number}");
        }
    }
}

#[test]
fn frames_that_are_cut_off_or_too_long_are_refused() {
    for (name, message) in frames() {
        let frame = message.encode();
        for end in 0..frame.len() {
            assert!(is_malformed(&frame[..end]), "{name}, {end} bytes of it");
        }
        for after in 0..=u8::MAX {
            assert!(is_malformed(&[frame.as_slice(), &[after]].concat()), "{name} and {after}");
        }
    }
    let checkpoint = Checkpoint::new(INCARNATION, RUN, 300).encode();
    for end in 0..checkpoint.len() {
        assert_eq!(Checkpoint::decode(&checkpoint[..end]), None, "{end} bytes of a checkpoint");
    }
}

#[test]
fn frames_of_another_shape_are_refused() {
    let body = [b"\x83\x66todo/1".as_slice(), b"\x81\x83\x82\x01\x50", &[0; 16], b"\xf6"].concat();
    let within = |revision: &[u8]| {
        [b"\x82\x14\xa3\x00\x00\x01\x00\x03\x81".as_slice(), &body, revision, b"\xf6"].concat()
    };
    assert!(
        Message::decode(&within(b"\x42{}")).is_ok(),
        "it is the part that follows which is bad"
    );
    let frames: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\xf6".to_vec(),
        b"{}".to_vec(),
        // Not a pair, or not said to be one.
        b"\x80".to_vec(),
        b"\x81\x03".to_vec(),
        b"\x83\x03\xa0\xa0".to_vec(),
        b"\x9f\x03\xa0\xff".to_vec(),
        b"\xa1\x03\xa0".to_vec(),
        b"\xc1\x82\x03\xa0".to_vec(),
        // A type that is no number, or none that there can be.
        b"\x82\x20\xa0".to_vec(),
        b"\x82\x613\xa0".to_vec(),
        b"\x82\x1a\x00\x01\x00\x00\xa0".to_vec(),
        b"\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\xa0".to_vec(),
        // Content that is no map, or one with names for keys.
        b"\x82\x03\x80".to_vec(),
        b"\x82\x03\xf6".to_vec(),
        b"\x82\x03\xa1\x61a\x00".to_vec(),
        // Nothing but a length.
        b"\x82\x03\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x82\x14\xa3\x00\x00\x01\x00\x03\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x82\x01\xa2\x00\x41\x01\x01\x7b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        within(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        // Strings in pieces, and ones that are no UTF-8.
        b"\x82\x01\xa2\x00\x41\x01\x01\x7f\x61a\xff".to_vec(),
        b"\x82\x01\xa2\x00\x5f\x41\x01\xff\x01\x61a".to_vec(),
        b"\x82\x01\xa2\x00\x41\x01\x01\x61\xff".to_vec(),
        within(b"\x5f\x42{}\xff"),
        // Text where bytes belong.
        within(b"\x62{}"),
        // Numbers that stand for nothing, and ones that are too large.
        b"\x82\x02\xa2\x00\x17\x01\x60".to_vec(),
        b"\x82\x0c\xa3\x00\x00\x01\x17\x02\x60".to_vec(),
        b"\x82\x0d\xa1\x00\x20".to_vec(),
        b"\x82\x0d\xa1\x00\x1b\x00\x00\x00\x01\x00\x00\x00\x00".to_vec(),
        b"\x82\x0d\xa1\x00\xf6".to_vec(),
        // Ids that no document has.
        b"\x82\x15\xa3\x00\x00\x01\x00\x02\x81\x82\x60\x60".to_vec(),
        b"\x82\x15\xa3\x00\x00\x01\x00\x02\x81\x82\x62_a\x60".to_vec(),
        b"\x82\x15\xa3\x00\x00\x01\x00\x02\x81\x82\x62a\x00\x60".to_vec(),
        // A revision that comes before the first.
        [b"\x82\x14\xa3\x00\x00\x01\x00\x03\x81\x82\x61a\x81\x81\x82\x00\x50", &[0; 16][..]]
            .concat(),
    ];
    for frame in frames {
        assert!(is_malformed(&frame), "{}", HEXLOWER.encode(&frame));
    }
}

/// Who reads is not strict about how lengths and numbers are written, but never makes something
/// else of them.
#[test]
fn lengths_that_are_left_open_change_nothing() {
    for (name, message) in frames() {
        let frame = message.encode();
        let (number, keys) = parts(&frame);
        let mut open = Vec::new();
        Encoder::new(&mut open).array(2).unwrap().u16(number).unwrap().begin_map().unwrap();
        for (key, value) in &keys {
            Encoder::new(&mut open).u8(*key).unwrap();
            open.extend(value);
        }
        assert!(is_malformed(&open), "{name}: a map that doesn't end");
        open.push(0xff);
        let read = Message::decode(&open);
        assert!(read.is_err() || read == Ok(Some(message)), "{name}");
    }
}

#[test]
fn damage_is_survived_and_what_is_read_is_read_again() {
    for (name, sample) in samples() {
        let bytes = sample.encode();
        let checks = |bytes: &[u8]| match sample {
            Sample::Stored(_) => {
                if let Some(checkpoint) = Checkpoint::decode(bytes) {
                    assert_eq!(
                        Checkpoint::decode(&checkpoint.encode()),
                        Some(checkpoint),
                        "{name}"
                    );
                }
            }
            Sample::Frame(_) => {
                if let Ok(Some(message)) = Message::decode(bytes) {
                    let again = Message::decode(&message.encode());
                    assert_eq!(again.as_ref(), Ok(&Some(message.clone())), "{name}");
                    if let Message::Changes(Changes { documents, .. }) = message {
                        for document in documents {
                            drop(document.verify());
                        }
                    }
                }
            }
        };
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            for to in (0..8).map(|bit| bytes[at] ^ (1 << bit)).chain([0x9f, 0xbf, 0x5f, 0x7f, 0xff])
            {
                damaged[at] = to;
                checks(&damaged);
            }
            let mut shorter = bytes.clone();
            shorter.remove(at);
            checks(&shorter);
        }
    }
}

fn description() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_description_shows_these_frames() {
    let golden: BTreeMap<String, Vec<u8>> = golden(latest()).into_iter().collect();
    let text = description();
    let shown: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, hex)| golden.contains_key(*name) && HEXLOWER.decode(hex.as_bytes()).is_ok())
        .collect();
    assert!(shown.len() >= 3, "{shown:?}");
    for (name, hex) in shown {
        assert_eq!(hex, HEXLOWER.encode(&golden[name]), "{name} in docs/protocol.md");
    }
}

/// Names are computed here as the description says, and not as the store does.
#[test]
fn the_description_tells_how_names_are_made() {
    let text = description();
    let bytes_shown: String = text.split_whitespace().collect();
    let shows = |bytes: &[u8]| bytes_shown.contains(&HEXLOWER.encode(bytes));

    let body = br#"{"completed":false,"title":"tea"}"#;
    let said = [[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].as_slice(), body].concat();
    let first = Revision::new(1, Sha256::digest(&said)[..16].try_into().unwrap()).unwrap();
    assert!(shows(&said) && text.contains(&first.to_string()));
    assert_eq!(named().revisions[0].revision, Some(first));

    let body = br#"{"completed":true,"title":"tea"}"#;
    let said = [&[1, 1, 0, 0, 0, 1], &first.hash()[..], &[0; 9], body].concat();
    let second = Revision::new(2, Sha256::digest(&said)[..16].try_into().unwrap()).unwrap();
    assert!(shows(&said) && text.contains(&second.to_string()));
    assert_eq!(edited().revisions[1].revision, Some(second));

    let name = [&[0, 0, 0, 2], &second.hash()[..]].concat();
    let said = [b"settee digest 1\0\x00\x06todo/1".as_slice(), &name].concat();
    assert!(shows(&said) && shows(&Sha256::digest(&said)[..8]));
    assert!(shows(&Sha256::digest(b"todo/1")[..4]));
}
