//! The simulator's own judgement of what was delivered.
//!
//! Every arrival of a document in an expected status adds an expectation, once per
//! document and status. An expectation nobody could have seen, because the document
//! moved on before any read of it, is `unseen`, not lost.

use serde::Serialize;
use uuid::Uuid;

mod oracle;

pub(crate) use oracle::{Delivery, Oracle};

/// An expectation that was not met, or a card that met none.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Company of the document, if known.
    pub company: Option<Uuid>,
    /// Document number, or the words of a card that names none.
    pub number: String,
    /// Status, if known.
    pub status: Option<String>,
    /// When the document took the status, or the card came.
    pub at: String,
    /// Whether the document has moved on since: a reader saw it, but can see it no more.
    pub superseded: bool,
}

/// A count with its first hundred cases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// How many there are.
    pub count: u64,
    /// The first hundred.
    pub list: Vec<Finding>,
}

/// Most cases listed; the count goes on.
const LISTED: usize = 100;

impl Findings {
    pub(crate) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(finding());
        }
    }
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// Deliveries measured: those that a notification preceded.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// Ninety-nine in a hundred were faster.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Latency {
    pub(crate) fn of(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        let rank = |hundredths: usize| {
            let index = (millis.len() * hundredths).div_ceil(100).saturating_sub(1);
            millis.get(index).copied().unwrap_or_default()
        };
        let (p50_ms, p99_ms, max_ms) = (rank(50), rank(99), rank(100));
        Self {
            count: millis.len() as u64,
            p50_ms,
            p99_ms,
            max_ms,
        }
    }
}

/// What ought to have been delivered, and what was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// Expectations so far.
    pub expected: u64,
    /// Expectations met by a card.
    pub delivered: u64,
    /// Expectations that a reader could see and that no card has met yet.
    pub lost: Findings,
    /// Cards beyond the first for one document and status.
    pub duplicates: Findings,
    /// Cards for what was never expected, such as documents of the baseline.
    pub unexpected: Findings,
    /// Cards whose title names no purchase invoice, since records of other sets were made or
    /// changed by the generic verbs: they are counted and not judged.
    pub other_cards: u64,
    /// Expectations nobody could have seen.
    pub unseen: u64,
    /// Requests that arrived before a `Retry-After` given to their lane had ended.
    pub early_requests: u64,
    /// Refusals by the services' own limits; scripted throttles are not among them.
    pub limit_violations: u64,
    /// Subscriptions deleted because a notification was answered with anything but 2xx, 408, 429 or 5xx.
    pub subscriptions_deleted_by_answer: u64,
    /// Subscriptions deleted after too many failed notifications.
    pub subscriptions_given_up: u64,
    /// Changes that an expired subscription would have announced and that no live one did.
    pub missed_while_expired: u64,
    /// From just before the first notification of a change was sent to the arrival of its
    /// card, less the time in which the card's lane was closed or full.
    pub latency: Latency,
    /// The same with that time left in.
    pub latency_with_waiting: Latency,
    /// That time, summed over all deliveries.
    pub waited_ms: f64,
}
