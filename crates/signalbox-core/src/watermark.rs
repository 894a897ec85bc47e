//! How far a set of one company has been looked at, and when it is looked at next.
//!
//! Rows are committed later than they are stamped, so every look goes back behind the mark of the one before it; what
//! it finds again is known by its id. A mark only ever advances.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{CompanyAddress, JobId};

/// The register that holds a [`Watermark`] per `{connection}/{environment}/{company id}/{set}`.
pub const WATERMARKS: &str = "watermarks";

/// After so many listings at a smaller page size, a larger one is tried again.
const LISTINGS_BEFORE_GROWTH: u32 = 10;

/// How far a set has been looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Everything modified up to this instant has been looked at, and its jobs are durable.
    pub until: Timestamp,
    /// In a set that only grows, how far its numbers have been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Records per page, while the configured number is too much for the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// How many listings in a row have come to their end at this size.
    #[serde(default)]
    pub listings: u32,
    /// When the last poll came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// How many polls came to their end.
    #[serde(default)]
    pub looks: u64,
    /// How many posts they found that nothing else had brought.
    #[serde(default)]
    pub found: u64,
    /// How many polls and sweeps in a row have failed.
    #[serde(default)]
    pub failures: u32,
    /// Why the last of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When the listing began whose ids are known: what is missing from the next one was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<Timestamp>,
    /// True after a listing that lacked so many known ids that it was not believed.
    #[serde(default)]
    pub doubted: bool,
}

/// Numbers of a set that only grows.
///
/// The later mark becomes the earlier one once it is older than the overlap of looks. So a look asks for what lies
/// above a number that was reached at least that long ago, and a row that was committed late is among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// What has a higher number than this is asked for.
    pub above: i64,
    /// The highest number that a later look saw.
    pub highest: i64,
    /// When that look began.
    pub at: Timestamp,
}

impl Watermark {
    /// A set that is followed from `at` on.
    pub fn beginning(at: Timestamp) -> Self {
        Self {
            until: at,
            numbers: None,
            page_size: None,
            listings: 0,
            looked_at: None,
            looks: 0,
            found: 0,
            failures: 0,
            problem: None,
            counted_at: None,
            doubted: false,
        }
    }

    /// Its name in the register.
    pub fn key(company: &CompanyAddress, set: &str) -> String {
        let CompanyAddress {
            connection,
            environment,
            company,
        } = company;
        format!("{connection}/{environment}/{company}/{set}")
    }

    /// A poll that began at `started` came to its end, with everything up to `until` looked at.
    pub fn advance(&mut self, started: Timestamp, until: Timestamp, found: u64) {
        self.until = self.until.max(until);
        self.looked_at = Some(started);
        self.looks += 1;
        self.found += found;
        self.failures = 0;
        self.problem = None;
    }

    /// A poll or a sweep failed.
    pub fn fail(&mut self, problem: String) {
        self.failures += 1;
        self.problem = Some(problem);
    }

    /// A listing came to its end with pages of `size`, where `usual` is configured.
    pub fn listed(&mut self, size: u32, usual: u32) {
        if size >= usual {
            (self.page_size, self.listings) = (None, 0);
        } else if self.page_size != Some(size) {
            (self.page_size, self.listings) = (Some(size), 1);
        } else {
            self.listings += 1;
            if self.listings >= LISTINGS_BEFORE_GROWTH {
                let larger = size.saturating_mul(2);
                (self.page_size, self.listings) = ((larger < usual).then_some(larger), 0);
            }
        }
    }
}

impl Numbers {
    /// The numbers of a set whose highest one was `highest` at `at`.
    pub fn beginning(highest: i64, at: Timestamp) -> Self {
        Self {
            above: highest,
            highest,
            at,
        }
    }

    /// A look that began at `started` saw `highest`.
    #[must_use]
    pub fn advanced(self, highest: i64, started: Timestamp, overlap: Duration) -> Self {
        let overlap = SignedDuration::try_from(overlap).unwrap_or(SignedDuration::MAX);
        let highest = highest.max(self.highest);
        if started.duration_since(self.at) < overlap {
            return Self {
                highest: self.highest,
                ..self
            };
        }
        Self {
            above: self.highest,
            highest,
            at: started,
        }
    }
}

/// The next instant for the work `id` that is done every `pace`: half a pace from now at the earliest.
///
/// Every id has its own instants, always the same, so that many that begin together do not stay together.
pub fn next_in_pace(id: &JobId, pace: Duration, now: Timestamp) -> Timestamp {
    let pace = i64::try_from(pace.as_millis()).unwrap_or(i64::MAX).max(1);
    let phase = share_of(id, pace);
    let earliest = now.as_millisecond().saturating_add(pace / 2);
    let beyond = earliest.saturating_sub(phase).rem_euclid(pace);
    let wait = if beyond == 0 { 0 } else { pace - beyond };
    Timestamp::from_millisecond(earliest.saturating_add(wait)).unwrap_or(Timestamp::MAX)
}

/// Where in `span` the work `id` has its place, always the same.
pub fn place_in(id: &JobId, span: Duration) -> Duration {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
    Duration::from_millis(share_of(id, span).unsigned_abs())
}

/// A number from 0 to below `span`.
fn share_of(id: &JobId, span: i64) -> i64 {
    let digest: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    let number = digest
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let share = (i128::from(span) * i128::from(number)) >> 32;
    i64::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests;
