//! Data on stdout: lines for people, or one JSON value for programs.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use jiff::Timestamp;
use serde_json::Value;

/// Prints one line.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints one JSON value on a line of its own.
pub(crate) fn json(value: &Value) -> io::Result<()> {
    line(&value.to_string())
}

/// 0 for a positive answer, 1 for a negative one.
pub(crate) fn answer(positive: bool) -> ExitCode {
    if positive {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// An instant for people, to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text of somebody else's on one line, without what could move a terminal's cursor.
pub(crate) fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
