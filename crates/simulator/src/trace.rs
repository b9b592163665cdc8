//! What happened, line by line, to investigate a seed that failed.

use std::fmt::{self, Write};

use settee_sync::{
    Time,
    message::{Message, WireDocument},
};

/// Lines, each with its time. A silent trace costs nothing: a seed that fails is played again with a
/// readable one.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
    /// A hash of all frames. Two plays of one seed have the same.
    fingerprint: u64,
}

impl Trace {
    pub fn silent() -> Self {
        Self::default()
    }

    pub fn readable() -> Self {
        Self { lines: Some(Vec::new()), ..Self::default() }
    }

    pub fn note(&mut self, now: Time, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>10.3}  {}", now.since(Time::default()).as_secs_f64(), line()));
        }
    }

    /// FNV-1a over the bytes.
    pub fn mark(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fingerprint = (self.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().flatten().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A frame in one line.
pub fn describe(frame: &[u8]) -> String {
    match Message::decode(frame) {
        Ok(Some(Message::Changes(changes))) => {
            let mut line = format!("Changes of channel {}", changes.channel);
            let _ = write!(line, ", batch {}, seq {:?}:", changes.batch, changes.seq);
            for document in &changes.documents {
                let _ = write!(line, " {}", document_line(document));
            }
            line
        }
        Ok(Some(Message::Part(part))) => format!("Part of {} bytes", part.bytes.len()),
        Ok(Some(message)) => format!("{message:?}"),
        Ok(None) => "something optional".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The revisions, each with its parent and merges. Those in brackets have no body.
fn document_line(document: &WireDocument) -> String {
    let mut line = format!("{}(", document.id);
    for revision in &document.revisions {
        // It follows from the body, and isn't sent.
        let name =
            revision.revision.map_or_else(|| "1-new".to_owned(), |it| short(&it.to_string()));
        let name = if revision.body.is_some() { name } else { format!("[{name}]") };
        let deleted = if revision.deleted == Some(true) { " deleted" } else { "" };
        let _ = write!(line, " {name}{deleted}");
        if let Some(parent) = &revision.parent {
            let _ = write!(line, "<{:02x}{:02x}", parent[0], parent[1]);
        }
        for merged in revision.merges.iter().flatten() {
            let _ = write!(line, "+{}", short(&merged.to_string()));
        }
    }
    if let Some(forgotten) = &document.forgotten {
        let _ = write!(line, " and {} forgotten", forgotten.len());
    }
    line.push_str(" )");
    line
}

/// The beginning of a revision's name, long enough to tell it from others.
pub fn short(revision: &str) -> String {
    let end = revision.find('-').map_or(revision.len(), |dash| (dash + 5).min(revision.len()));
    revision[..end].to_owned()
}
