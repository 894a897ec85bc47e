//! Reads the token endpoint's answers (facts, Graph and Teams §7).
//!
//! The class of a failure comes from the status and the `error` word alone; the AADSTS number may change, so it only
//! picks the hint. The description names tenants and people and is left out.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Token, error::EntraError};
use crate::http::{Reply, retry_after::retry_after};

/// A token and its life.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) token: Token,
    /// Just before it was asked for, so that its life is never thought longer than it is.
    pub(super) asked_at: Timestamp,
    pub(super) ends_at: Timestamp,
}

#[derive(Deserialize)]
struct Success {
    access_token: SecretString,
    expires_in: i64,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    error_description: String,
    trace_id: Option<String>,
}

/// The grant, or why there is none.
pub(super) fn read(reply: &Reply, asked_at: Timestamp) -> Result<Grant, EntraError> {
    let status = reply.exchange.status.unwrap_or_default();
    let retry_after = retry_after(&reply.headers, reply.at);
    let unavailable = EntraError::Unavailable {
        status,
        retry_after,
    };
    match status {
        200..=299 => {
            let success: Success = serde_json::from_slice(&reply.body).map_err(|_| unavailable)?;
            let life = SignedDuration::from_secs(success.expires_in.max(0));
            Ok(Grant {
                token: Token::new(success.access_token),
                asked_at,
                ends_at: asked_at.checked_add(life).unwrap_or(Timestamp::MAX),
            })
        }
        // Throttling comes as plain text, not as JSON.
        429 => Err(EntraError::Throttled { retry_after }),
        400..=499 if status != 408 => Err(failure(&reply.body).unwrap_or(unavailable)),
        _ => Err(unavailable),
    }
}

/// What a 4xx says, unless it is one of the words for trouble that passes.
fn failure(body: &[u8]) -> Option<EntraError> {
    let failure: Failure = serde_json::from_slice(body).ok()?;
    let passes = ["temporarily_unavailable", "server_error"].contains(&failure.error.as_str());
    (!passes).then(|| EntraError::Configuration {
        aadsts: failure
            .error_codes
            .first()
            .copied()
            .or_else(|| aadsts(&failure.error_description)),
        error: failure.error,
        trace_id: failure.trace_id,
    })
}

fn aadsts(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
