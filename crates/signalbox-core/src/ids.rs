//! Deterministic ids: the same news always makes the same id, whoever sees it first.
//!
//! Every segment is percent-encoded, so that `/` separates and nothing else does.
//! An id over 200 bytes keeps its readable beginning and ends in a hash of the whole.

use std::fmt;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{CompanyAddress, ConnectionName, RouteName};

/// The longest id, in bytes.
const MAX_BYTES: usize = 200;
/// Hexadecimal digits of the hash at the end of a shortened id: 128 bits.
const HASH_DIGITS: usize = 32;
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b',')
    .remove(b':')
    .remove(b'@');

/// Joins percent-encoded segments and keeps the result within [`MAX_BYTES`].
pub(crate) fn join<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let encoded: Vec<String> = segments
        .into_iter()
        .map(|segment| utf8_percent_encode(segment, ESCAPED).to_string())
        .collect();
    shorten(encoded.join("/"))
}

fn shorten(id: String) -> String {
    if id.len() <= MAX_BYTES {
        return id;
    }
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let half = digest
        .first_chunk()
        .map_or(0, |bytes| u128::from_be_bytes(*bytes));
    // Percent-encoding left only ASCII, so any byte is a place to cut.
    let head = &id[..MAX_BYTES - HASH_DIGITS - 1];
    format!("{head}~{half:032x}")
}

/// The id of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// An id from its segments.
    pub fn new<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self(join(segments))
    }

    /// An id that was read back from Redis.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id of a read of one Business Central record, whatever the news was.
    pub fn business_central(
        connection: &ConnectionName,
        environment: &str,
        company: Uuid,
        set: &str,
        record: &str,
    ) -> Self {
        let company = company.to_string();
        let segments = [
            "bc",
            connection.as_str(),
            environment,
            &company,
            set,
            record,
        ];
        Self::new(segments)
    }

    /// The id of a look at everything that changed in a set, told apart from others of its kind by `window`.
    pub fn catch_up(at: &CompanyAddress, set: &str, window: &str) -> Self {
        let company = at.company.to_string();
        let (connection, environment) = (at.connection.as_str(), at.environment.as_str());
        Self::new(["catch_up", connection, environment, &company, set, window])
    }

    /// The id of the work that keeps an environment followed.
    pub fn renew(connection: &ConnectionName, environment: &str) -> Self {
        Self::new(["renew", connection.as_str(), "environment", environment])
    }

    /// The id of a tick of `route`, in UTC. One that a person asked for is told from one of the schedule.
    pub fn tick(route: &RouteName, at: Timestamp, asked: bool) -> Self {
        let at = at.to_string();
        let asked = asked.then_some("asked");
        Self::new(["schedule", route.as_str(), &at].into_iter().chain(asked))
    }

    /// The id of the look at a set that the tick called `tick` makes.
    pub fn of_tick(tick: &Self, at: &CompanyAddress, set: &str) -> Self {
        let company = at.company.to_string();
        let (connection, environment) = (at.connection.as_str(), at.environment.as_str());
        let look = Self::new(["catch_up", connection, environment, &company, set]);
        Self(shorten(format!("{look}/{tick}")))
    }

    /// The id of the post that carries `effect`.
    pub fn post(effect: &EffectKey) -> Self {
        Self(effect.as_str().to_owned())
    }

    /// The id of the same work done over, which no dedupe knows. `nonce` tells one replay from another.
    #[must_use]
    pub fn replayed(&self, nonce: &str) -> Self {
        Self(shorten(format!("{}#replay/{nonce}", self.0)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names an effect in the ledger: the same announcement always has the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectKey(String);

impl EffectKey {
    /// The key of one announcement: one route, one document, one value of the once-expression.
    ///
    /// `scope` is [`document_scope`]; `document` and `once` come from the record, never from the notification.
    pub fn post(route: &RouteName, scope: &str, document: &str, once: &str) -> Self {
        Self(join(["post", route.as_str(), scope, document, once]))
    }

    /// The key of the same announcement made once more because a person wants it so.
    #[must_use]
    pub fn again(&self, nonce: &str) -> Self {
        Self(shorten(format!("{}#again/{nonce}", self.0)))
    }

    /// A key that was read back from a payload or from Redis.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a Business Central document number is unique: one company of one environment.
pub fn document_scope(environment: &str, company: Uuid) -> String {
    format!("{environment},{company}")
}

#[cfg(test)]
mod tests;
