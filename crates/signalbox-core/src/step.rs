//! The steps of a document's story, from the signal to the receipt: what the trail holds.
//!
//! A step says what happened to whom, when, and through which job. It is small whatever it is made from, and it holds
//! nothing that a job would not hold: no credentials, and of a record only where to find it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionName, JobId, RouteName};

/// The longest detail of a step, in bytes.
const MAX_DETAIL_BYTES: usize = 300;

/// What happened, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepWord {
    /// Somebody told us that something may have changed.
    Signal,
    /// The record was read, or was found to be gone.
    Read,
    /// A job could not do it now and tries again by itself.
    Waits,
    /// A job waits for a person or another job.
    Held,
    /// The card is in the channel.
    Announced,
    /// No card was made, and the detail says why.
    NotAnnounced,
    /// A job will not be tried again.
    Dead,
    /// A person had the record looked at again, or brought a job back from the dead.
    Replayed,
    /// A person let a job that was held go on.
    Released,
    /// A person ended a job before it ran.
    Cancelled,
}

impl StepWord {
    /// The one word for it, in Redis as everywhere else.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Read => "read",
            Self::Waits => "waits",
            Self::Held => "held",
            Self::Announced => "announced",
            Self::NotAnnounced => "not_announced",
            Self::Dead => "dead",
            Self::Replayed => "replayed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A document as its people know it: a number, and where that number is unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentName {
    /// Environment and company, as [`document_scope`](crate::document_scope) writes them.
    #[serde(rename = "s")]
    pub scope: String,
    /// The number. Never empty.
    #[serde(rename = "n")]
    pub number: String,
}

impl DocumentName {
    /// The document with this number; `None` while it has none.
    pub fn new(scope: impl Into<String>, number: &str) -> Option<Self> {
        (!number.is_empty()).then(|| Self {
            scope: scope.into(),
            number: number.to_owned(),
        })
    }
}

/// Where a record is, so that it can be read again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordAddress {
    /// The connection that it is read with.
    #[serde(rename = "c")]
    pub connection: ConnectionName,
    /// The environment; the connection's first if it is not named.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The company's id.
    #[serde(rename = "y")]
    pub company: Uuid,
    /// The entity set.
    #[serde(rename = "e")]
    pub set: String,
    /// The record's key.
    #[serde(rename = "k")]
    pub record: String,
}

/// One step. Its names in JSON are one letter each, because there are many of them in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When it happened.
    #[serde(
        rename = "t",
        with = "jiff::fmt::serde::timestamp::millisecond::required"
    )]
    pub at: Timestamp,
    /// What happened.
    #[serde(rename = "w")]
    pub word: StepWord,
    /// The job that it happened in.
    #[serde(rename = "j")]
    pub job: JobId,
    /// The document, once it is known.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentName>,
    /// Other names that the document is looked for by, such as a `ControlNumber`.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The route that it happened for, if it was one.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteName>,
    /// Where the record is, from whoever knows.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordAddress>,
    /// Why, or which: a reason, a cause, a receipt.
    #[serde(rename = "x", default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Step {
    /// A step of which no more is known than the job it happened in. Instants are kept to the millisecond.
    pub fn new(at: Timestamp, word: StepWord, job: JobId) -> Self {
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        Self {
            at,
            word,
            job,
            document: None,
            also: Vec::new(),
            route: None,
            record: None,
            detail: String::new(),
        }
    }

    /// Names the document.
    #[must_use]
    pub fn of(mut self, document: Option<DocumentName>) -> Self {
        self.document = document;
        self
    }

    /// Adds a name that the document is looked for by.
    #[must_use]
    pub fn also_named(mut self, name: impl Into<String>) -> Self {
        self.also.push(name.into());
        self
    }

    /// Names the route.
    #[must_use]
    pub fn on(mut self, route: RouteName) -> Self {
        self.route = Some(route);
        self
    }

    /// Says where the record is.
    #[must_use]
    pub fn found_at(mut self, record: RecordAddress) -> Self {
        self.record = Some(record);
        self
    }

    /// Says why, or which. What is too long loses its end.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        if self.detail.len() > MAX_DETAIL_BYTES {
            let mut end = MAX_DETAIL_BYTES - '…'.len_utf8();
            while !self.detail.is_char_boundary(end) {
                end -= 1;
            }
            self.detail.truncate(end);
            self.detail.push('…');
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{DocumentName, MAX_DETAIL_BYTES, Step, StepWord};
    use crate::JobId;

    fn step() -> Step {
        Step::new(
            Timestamp::UNIX_EPOCH,
            StepWord::NotAnnounced,
            JobId::new(["a"]),
        )
    }

    #[test]
    fn a_detail_that_is_too_long_is_cut_between_two_characters() {
        let cut = step().because("€".repeat(200));
        assert!(cut.detail.len() <= MAX_DETAIL_BYTES && cut.detail.ends_with("€…"));
        assert_eq!(step().because("short").detail, "short");
    }

    #[test]
    fn a_step_is_written_in_few_bytes_and_read_back_whole() {
        let whole = step()
            .of(DocumentName::new("Production,1", "103201"))
            .because("draft");
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(
            text,
            r#"{"t":0,"w":"not_announced","j":"a","d":{"s":"Production,1","n":"103201"},"x":"draft"}"#
        );
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), whole);
        assert_eq!(DocumentName::new("Production,1", ""), None);
    }
}
