use jiff::{SignedDuration, Timestamp};

use super::{Limits, Settlement, Standing, settle};
use crate::Decision;

fn standing(attempt: u32, age: SignedDuration) -> Standing {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
    Standing {
        attempt,
        faults: attempt - 1,
        enqueued_at: now - age,
        now,
        seed: 1,
    }
}

fn check(decision: &Decision, standing: Standing) -> Settlement {
    settle(decision, standing, &Limits::default())
}

#[test]
fn own_faults_end_by_count() {
    let young = SignedDuration::from_secs(1);
    let ninth = check(&Decision::Retry, standing(9, young));
    assert!(matches!(ninth, Settlement::RetryAt(_)), "{ninth:?}");
    let tenth = check(&Decision::Retry, standing(10, young));
    assert_eq!(tenth, Settlement::Dead("no attempts left"));
}

#[test]
fn the_worlds_faults_end_by_age_and_not_by_count() {
    let young = check(
        &Decision::Transient,
        standing(500, SignedDuration::from_hours(71)),
    );
    assert!(matches!(young, Settlement::DeferTo(_)), "{young:?}");
    let old = check(
        &Decision::Transient,
        standing(1, SignedDuration::from_hours(72)),
    );
    assert_eq!(old, Settlement::Dead("still failing at its age limit"));
}

#[test]
fn the_age_does_not_count_from_before_the_end_of_an_outage() {
    let old = standing(1, SignedDuration::from_hours(200));
    let ended = |hours| Decision::TransientSince(old.now - SignedDuration::from_hours(hours));
    let soon_after = check(&ended(1), old);
    assert!(
        matches!(soon_after, Settlement::DeferTo(_)),
        "{soon_after:?}"
    );
    let dead = Settlement::Dead("still failing at its age limit");
    assert_eq!(check(&ended(72), old), dead);
    let young = standing(1, SignedDuration::from_hours(1));
    let long_before = check(&ended(100), young);
    assert!(
        matches!(long_before, Settlement::DeferTo(_)),
        "{long_before:?}"
    );
}

#[test]
fn the_worlds_faults_leave_the_attempts_for_the_jobs_own() {
    let standing = Standing {
        faults: 0,
        ..standing(500, SignedDuration::from_hours(1))
    };
    let settled = check(&Decision::Retry, standing);
    assert!(matches!(settled, Settlement::RetryAt(_)), "{settled:?}");
}

#[test]
fn a_snooze_keeps_its_instant_however_old_the_job_is() {
    let until = Timestamp::MAX;
    let settled = check(
        &Decision::Snooze(until),
        standing(99, SignedDuration::from_hours(999)),
    );
    assert_eq!(settled, Settlement::SnoozeTo(until));
}

#[test]
fn a_retry_comes_after_the_least_delay() {
    let standing = standing(1, SignedDuration::ZERO);
    let Settlement::RetryAt(at) = check(&Decision::Retry, standing) else {
        panic!("a first failure is retried");
    };
    assert!(at >= standing.now + SignedDuration::from_secs(2));
}
