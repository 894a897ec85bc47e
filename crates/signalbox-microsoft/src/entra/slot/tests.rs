//! When a token is asked for, and who shares the answer.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use signalbox_core::{Clock, ManualClock};
use tokio::sync::Notify;

use super::Slot;
use crate::entra::{Token, error::EntraError, token_answer::Grant};

fn start() -> ManualClock {
    ManualClock::new(Timestamp::UNIX_EPOCH)
}

fn grant(clock: &ManualClock, text: &str, life_secs: i64) -> Grant {
    Grant {
        token: Token::new(SecretString::from(text.to_owned())),
        asked_at: clock.now(),
        ends_at: clock.now() + SignedDuration::from_secs(life_secs),
    }
}

fn down() -> EntraError {
    EntraError::Unavailable {
        status: 503,
        retry_after: None,
    }
}

async fn get(slot: &Slot, clock: &ManualClock, answer: Result<Grant, EntraError>) -> String {
    let token = slot.get(|| clock.now(), async || answer).await;
    token.map_or_else(
        |error| error.to_string(),
        |token| token.secret().expose_secret().to_owned(),
    )
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_its_end() {
    let (slot, clock) = (Slot::default(), start());
    assert_eq!(get(&slot, &clock, Ok(grant(&clock, "a", 3600))).await, "a");
    clock.advance(SignedDuration::from_secs(3299));
    assert_eq!(get(&slot, &clock, Err(down())).await, "a");
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(get(&slot, &clock, Ok(grant(&clock, "b", 3600))).await, "b");
}

#[tokio::test]
async fn a_short_token_is_renewed_at_half_of_its_life() {
    let (slot, clock) = (Slot::default(), start());
    get(&slot, &clock, Ok(grant(&clock, "a", 60))).await;
    clock.advance(SignedDuration::from_secs(29));
    assert_eq!(get(&slot, &clock, Err(down())).await, "a");
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(get(&slot, &clock, Ok(grant(&clock, "b", 60))).await, "b");
}

#[tokio::test]
async fn the_old_token_serves_to_its_end_while_renewals_fail() {
    let (slot, clock) = (Slot::default(), start());
    get(&slot, &clock, Ok(grant(&clock, "a", 600))).await;
    clock.advance(SignedDuration::from_secs(599));
    assert_eq!(get(&slot, &clock, Err(down())).await, "a");
    clock.advance(SignedDuration::from_secs(1));
    assert!(get(&slot, &clock, Err(down())).await.contains("503"));
}

#[tokio::test]
async fn a_throttled_endpoint_is_not_asked_before_the_instant_it_named() {
    let (slot, clock) = (Slot::default(), start());
    let throttled = EntraError::Throttled {
        retry_after: Some(clock.now() + SignedDuration::from_secs(60)),
    };
    get(&slot, &clock, Err(throttled)).await;
    clock.advance(SignedDuration::from_secs(59));
    let answer = get(&slot, &clock, Ok(grant(&clock, "early", 600))).await;
    assert!(answer.contains("throttled"), "{answer}");
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(get(&slot, &clock, Ok(grant(&clock, "a", 600))).await, "a");
}

#[tokio::test]
async fn a_refusal_is_not_asked_for_again_at_once() {
    let (slot, clock) = (Slot::default(), start());
    let refused = EntraError::Configuration {
        error: "invalid_client".to_owned(),
        aadsts: Some(7_000_215),
        trace_id: None,
    };
    get(&slot, &clock, Err(refused)).await;
    let answer = get(&slot, &clock, Ok(grant(&clock, "early", 600))).await;
    assert!(answer.contains("AADSTS7000215"), "{answer}");
    clock.advance(SignedDuration::from_secs(10));
    assert_eq!(get(&slot, &clock, Ok(grant(&clock, "a", 600))).await, "a");
}

#[tokio::test]
async fn only_the_token_that_failed_is_forgotten() {
    let (slot, clock) = (Slot::default(), start());
    let stale = grant(&clock, "stale", 600).token;
    get(&slot, &clock, Ok(grant(&clock, "a", 600))).await;
    slot.forget(&stale).await;
    assert_eq!(get(&slot, &clock, Err(down())).await, "a");
}

#[tokio::test]
async fn whoever_waits_shares_the_request_and_its_failure() {
    let (slot, clock) = (Slot::default(), start());
    let (asked, answer_now) = (AtomicU32::new(0), Notify::new());
    let ask = async || {
        asked.fetch_add(1, Ordering::Relaxed);
        answer_now.notified().await;
        Err(down())
    };
    let one = || slot.get(|| clock.now(), ask);
    let release = async {
        tokio::task::yield_now().await;
        answer_now.notify_one();
    };
    let (first, second, third, ()) = tokio::join!(one(), one(), one(), release);
    assert!(first.is_err() && second.is_err() && third.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
