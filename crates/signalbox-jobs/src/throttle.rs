//! How long a lane is closed by a 429 that names no instant: longer each time, until something is answered again.
//!
//! Each process counts by itself, and the gate that it closes is closed for all. Those who were throttled together
//! count as one: their requests were under way when the first of them closed the gate.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use signalbox_core::{Backoff, LaneName};

use crate::context::after;

/// From 2.5 to 5 s the first time, doubled each time, at last from 60 to 120 s (facts, Business Central §5.2).
const PAUSE: Backoff = Backoff {
    least: Duration::from_millis(2_500),
    most: Duration::from_secs(60),
};

/// The lanes that were throttled without a word since something was last answered there.
#[derive(Debug, Default)]
pub struct Throttles(Mutex<HashMap<LaneName, Spell>>);

#[derive(Debug, Clone, Copy)]
struct Spell {
    times: u32,
    until: Timestamp,
}

impl Throttles {
    /// Until when `lane`, throttled at `now`, is closed. Pauses are multiplied by `scale`.
    pub(crate) fn until(&self, lane: &LaneName, now: Timestamp, scale: f64) -> Timestamp {
        let mut spells = self.spells();
        let before = spells.get(lane).copied();
        if let Some(spell) = before.filter(|spell| now < spell.until) {
            return spell.until;
        }
        let times = before.map_or(1, |spell| spell.times.saturating_add(1));
        // The clock's last digits are random enough to spread the processes.
        let seed = u64::from(now.subsec_nanosecond().unsigned_abs());
        let until = after(now, PAUSE.delay(times, seed).mul_f64(scale));
        spells.insert(lane.clone(), Spell { times, until });
        until
    }

    /// Something was answered in `lane`: the next pause is a short one again.
    pub(crate) fn answered(&self, lane: &LaneName) {
        self.spells().remove(lane);
    }

    fn spells(&self) -> MutexGuard<'_, HashMap<LaneName, Spell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use signalbox_core::LaneName;

    use super::Throttles;

    /// Pauses in seconds, each throttled at the end of the one before.
    fn pauses(throttles: &Throttles, lane: &LaneName, count: usize) -> Vec<f64> {
        let mut now = Timestamp::UNIX_EPOCH + SignedDuration::from_nanos(123_456_789);
        let mut pause = || {
            let until = throttles.until(lane, now, 1.0);
            let pause = now.duration_until(until);
            now = until;
            pause.as_secs_f64()
        };
        (0..count).map(|_| pause()).collect()
    }

    #[test]
    fn pauses_grow_from_a_few_seconds_to_one_or_two_minutes() {
        let pauses = pauses(&Throttles::default(), &LaneName::new(["a"]), 20);
        assert!((2.5..=5.0).contains(&pauses[0]), "{pauses:?}");
        assert!((5.0..=10.0).contains(&pauses[1]), "{pauses:?}");
        for late in &pauses[6..] {
            assert!((60.0..=120.0).contains(late), "{pauses:?}");
        }
    }

    #[test]
    fn an_answer_makes_the_next_pause_short_again_in_its_own_lane_only() {
        let (throttles, a, b) = (
            Throttles::default(),
            LaneName::new(["a"]),
            LaneName::new(["b"]),
        );
        pauses(&throttles, &a, 8);
        pauses(&throttles, &b, 8);
        throttles.answered(&a);
        let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let pause = |lane| later.duration_until(throttles.until(lane, later, 1.0));
        assert!(pause(&a) <= SignedDuration::from_secs(5));
        assert!(pause(&b) >= SignedDuration::from_secs(60));
    }

    #[test]
    fn those_who_are_throttled_together_wait_together_and_count_once() {
        let (throttles, lane) = (Throttles::default(), LaneName::new(["a"]));
        let now = Timestamp::UNIX_EPOCH;
        let until = throttles.until(&lane, now, 1.0);
        let meanwhile = now + SignedDuration::from_secs(1);
        assert_eq!(throttles.until(&lane, meanwhile, 1.0), until);
        let next = until.duration_until(throttles.until(&lane, until, 1.0));
        assert!(next <= SignedDuration::from_secs(10), "{next:?}");
    }
}
