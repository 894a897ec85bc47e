//! The token of one scope, and the one request for it.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, MutexGuard};

use super::{Token, error::EntraError, token_answer::Grant};

/// A token is renewed this long before it ends.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// After a renewal failed, the old token serves this long before the next try.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// After a refusal nobody asks again for this long: only a person can change the answer.
const REFUSED: SignedDuration = SignedDuration::from_secs(10);

/// The token of one scope.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Requests that have ended; read before waiting, to know whether one ended meanwhile.
    ended: AtomicU64,
    /// Held by whoever asks, while it asks: the others wait here and find what it got.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    grant: Option<Grant>,
    failure: Option<Failure>,
}

/// The last request's failure.
#[derive(Debug)]
struct Failure {
    error: EntraError,
    /// Nobody asks again before this instant.
    until: Timestamp,
}

impl Slot {
    /// The present token, or what `ask` gets.
    ///
    /// Whoever asks may be dropped at any time; then the next in line asks.
    pub(super) async fn get(
        &self,
        now: impl Fn() -> Timestamp,
        ask: impl AsyncFnOnce() -> Result<Grant, EntraError>,
    ) -> Result<Token, EntraError> {
        let ended = self.ended.load(Ordering::Acquire);
        let state = self.state.lock().await;
        if let Some(known) = state.known(now()) {
            return known;
        }
        let shared = self.ended.load(Ordering::Acquire) != ended;
        if let Some(failure) = state.failure.as_ref().filter(|_| shared) {
            return Err(failure.error.clone());
        }
        let outcome = ask().await;
        self.ended.fetch_add(1, Ordering::Release);
        settle(state, outcome, now())
    }

    /// Drops `token` unless it was replaced already.
    pub(super) async fn forget(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state
            .grant
            .as_ref()
            .is_some_and(|grant| grant.token.is(token))
        {
            state.grant = None;
        }
    }
}

impl State {
    /// What can be said without asking.
    fn known(&self, now: Timestamp) -> Option<Result<Token, EntraError>> {
        let grant = self.grant.as_ref();
        if let Some(fresh) = grant.filter(|grant| now < renew_at(grant)) {
            return Some(Ok(fresh.token.clone()));
        }
        let failure = self
            .failure
            .as_ref()
            .filter(|failure| now < failure.until)?;
        let serving = grant.filter(|grant| now < grant.ends_at);
        Some(serving.map_or_else(
            || Err(failure.error.clone()),
            |grant| Ok(grant.token.clone()),
        ))
    }
}

fn renew_at(grant: &Grant) -> Timestamp {
    let life = grant.asked_at.duration_until(grant.ends_at);
    grant.ends_at - MARGIN.min(life / 2)
}

fn settle(
    mut state: MutexGuard<'_, State>,
    outcome: Result<Grant, EntraError>,
    now: Timestamp,
) -> Result<Token, EntraError> {
    match outcome {
        Ok(grant) => {
            let token = grant.token.clone();
            state.grant = Some(grant);
            state.failure = None;
            Ok(token)
        }
        Err(error) => {
            let serving = state.grant.as_ref().filter(|grant| now < grant.ends_at);
            let pause = match serving {
                Some(_) => PATIENCE,
                None if error.is_transient() => SignedDuration::ZERO,
                None => REFUSED,
            };
            let until = error.retry_after().unwrap_or(now).max(now + pause);
            let outcome = serving.map(|grant| grant.token.clone());
            state.failure = Some(Failure {
                error: error.clone(),
                until,
            });
            outcome.ok_or(error)
        }
    }
}

#[cfg(test)]
mod tests;
