//! Data on stdout: lines for people, or one JSON value for programs.

use std::io::{self, Write};

use serde_json::Value;

/// Prints one line.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints one JSON value on a line of its own.
pub(crate) fn json(value: &Value) -> io::Result<()> {
    line(&value.to_string())
}
