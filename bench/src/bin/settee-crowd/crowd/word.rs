//! Output.

use std::io::{self, Write as _};

use serde::Serialize;

use super::Result;

/// Prints one line of JSON and flushes it.
pub fn say(value: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(value)?;
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()?;
    Ok(())
}
