//! The record of every request received and every notification sent.
//!
//! Secrets stay out: no `Authorization` header, no body of a token request. The record
//! keeps the latest entries; counting belongs to the verdict.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::target::Target;

/// Entries kept of each kind.
const KEPT: usize = 20_000;
/// Bytes kept of a body.
const BODY_KEPT: usize = 16 * 1024;

/// A request as it arrived, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// Number in order of arrival, from 1.
    pub seq: u64,
    /// The number of the batch that it was part of. It is no request of its own on the wire.
    pub batch: Option<u64>,
    /// When its head was read.
    pub at: Timestamp,
    /// The operation.
    pub target: Target,
    /// The lane whose `Retry-After` binds it.
    pub lane: String,
    /// Method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query, undecoded.
    pub query: String,
    /// Headers except `Authorization`.
    pub headers: BTreeMap<String, String>,
    /// Body text, cut at 16 KiB; empty for token requests.
    pub body: String,
    /// Status answered; none while in work or when no answer was sent.
    pub status: Option<u16>,
    /// The fault that befell it.
    pub fault: Option<String>,
    /// Whether it came before a `Retry-After` had ended.
    pub early: bool,
}

impl RecordedRequest {
    /// Whether it was answered with a list of purchase invoices.
    pub(crate) fn listed_invoices(&self) -> bool {
        let list = self.target == Target::BcRead && self.path.ends_with("/purchaseInvoices");
        list && self.status == Some(200)
    }
}

/// A notification as it was sent, and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct SentNotification {
    /// Just before it was sent.
    pub at: Timestamp,
    /// Where to.
    pub url: String,
    /// The elements of `value`; of a large notification only the first hundred.
    pub value: Vec<Value>,
    /// Number of elements sent.
    pub elements: usize,
    /// Status of the answer; none after a timeout or a failed connection.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
struct Entries {
    seq: u64,
    /// How many of them came inside a batch.
    batched: u64,
    requests: VecDeque<RecordedRequest>,
    notifications: VecDeque<SentNotification>,
}

/// The record.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Entries>);

impl Recorder {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a request and gives it its number.
    pub(crate) fn request(&self, mut request: RecordedRequest) -> u64 {
        let mut entries = self.entries();
        entries.seq += 1;
        entries.batched += u64::from(request.batch.is_some());
        request.seq = entries.seq;
        if entries.requests.len() == KEPT {
            entries.requests.pop_front();
        }
        entries.requests.push_back(request);
        entries.seq
    }

    /// Notes what was answered to request `seq`.
    pub(crate) fn answered(&self, seq: u64, status: u16) {
        let mut entries = self.entries();
        // Numbers are consecutive, so the distance from the newest is the index from the back.
        let from_back = entries
            .seq
            .checked_sub(seq)
            .and_then(|back| usize::try_from(back).ok());
        let index = from_back.and_then(|back| entries.requests.len().checked_sub(back + 1));
        if let Some(request) = index.and_then(|index| entries.requests.get_mut(index)) {
            request.status = Some(status);
        }
    }

    /// Enters a notification.
    pub(crate) fn notification(&self, notification: SentNotification) {
        let mut entries = self.entries();
        if entries.notifications.len() == KEPT {
            entries.notifications.pop_front();
        }
        entries.notifications.push_back(notification);
    }

    /// The requests kept, oldest first.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.entries().requests.iter().cloned().collect()
    }

    /// The notifications kept, oldest first.
    pub(crate) fn notifications(&self) -> Vec<SentNotification> {
        self.entries().notifications.iter().cloned().collect()
    }

    /// Requests received in all; a batch is one.
    pub(crate) fn request_count(&self) -> u64 {
        let entries = self.entries();
        entries.seq - entries.batched
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.entries() = Entries::default();
    }
}

/// A body as the record keeps it.
pub(crate) fn kept(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(BODY_KEPT)]).into_owned()
}
