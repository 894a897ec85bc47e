//! The generator's own log: every value that a record had, and whether somebody had to be told.

use jiff::Timestamp;
use uuid::Uuid;

/// What is announced once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// The company.
    pub(super) company: Uuid,
    /// The entity set.
    pub(super) set: &'static str,
    /// The number of the document or record.
    pub(super) document: String,
    /// What of it is announced once.
    pub(super) once: String,
}

/// What ought to become of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// It was there before anybody listened.
    Before,
    /// It is a draft.
    Draft,
    /// It stood until the product had a whole read or poll after it.
    Stood,
    /// It was left before that, on purpose.
    Passed,
}

/// A value that a record had.
#[derive(Debug, Clone)]
pub(super) struct Value {
    /// What it is announced as.
    pub(super) key: Key,
    /// The record that had it.
    pub(super) record: Uuid,
    /// The version of the record by which it had it.
    pub(super) version: u64,
    /// Since when.
    pub(super) from: Timestamp,
    /// Until when; none if to the end.
    pub(super) until: Option<Timestamp>,
    /// What ought to become of it.
    pub(super) stand: Stand,
}

/// Every value, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Value>);

impl Log {
    /// Enters a value and ends the one that its record had before.
    pub(super) fn enter(&mut self, value: Value) {
        self.end(value.record, value.from);
        self.0.push(value);
    }

    /// The record has gone, or gone on.
    pub(super) fn end(&mut self, record: Uuid, at: Timestamp) {
        let last = self.0.iter_mut().rev().find(|one| one.record == record);
        if let Some(last) = last.filter(|last| last.until.is_none()) {
            last.until = Some(at);
        }
    }

    /// All of them.
    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }
}
