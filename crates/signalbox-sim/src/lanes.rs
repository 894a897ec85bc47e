//! Rate windows and `Retry-After` promises, per lane.
//!
//! A lane remembers when it was busy, that is closed by a `Retry-After` or full by its
//! windows, so that the verdict can tell waiting from slowness.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// At most `requests` in any `span`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) requests: usize,
    pub(crate) span: Duration,
}

#[derive(Debug, Default)]
struct Lane {
    /// When the latest run of `Retry-After`s began, and when it ends.
    closed: Option<(Instant, Instant)>,
    /// Admitted requests, oldest first; as many as the widest window needs.
    admitted: VecDeque<Instant>,
    /// Spans in which a further request would have been refused; in order, disjoint.
    busy: Vec<(Instant, Instant)>,
}

impl Lane {
    /// When the next request would be admitted, if not at `now`.
    fn next_free(&self, windows: &[Window], now: Instant) -> Option<Instant> {
        let free_at = |window: &Window| {
            let index = self.admitted.len().checked_sub(window.requests)?;
            Some(self.admitted[index] + window.span)
        };
        windows
            .iter()
            .filter_map(free_at)
            .max()
            .filter(|free| *free > now)
    }

    fn admit(&mut self, windows: &[Window], now: Instant) {
        let keep = windows
            .iter()
            .map(|window| window.requests)
            .max()
            .unwrap_or(0);
        self.admitted.push_back(now);
        while self.admitted.len() > keep {
            self.admitted.pop_front();
        }
        if let Some(free) = self.next_free(windows, now) {
            self.mark_busy(now, free);
        }
    }

    fn mark_busy(&mut self, from: Instant, to: Instant) {
        match self.busy.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => self.busy.push((from, to)),
        }
    }
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes(HashMap<String, Lane>);

impl Lanes {
    /// Whether a request arriving at `at` breaks a `Retry-After` given to its lane.
    /// Requests that arrive within `grace` of the answer were already on the wire.
    pub(crate) fn is_early(&self, lane: &str, at: Instant, grace: Duration) -> bool {
        let closed = self.0.get(lane).and_then(|lane| lane.closed);
        closed.is_some_and(|(given, until)| at > given + grace && at < until)
    }

    /// Records that `lane` was told to wait.
    pub(crate) fn close(&mut self, lane: &str, now: Instant, wait: Duration) {
        let lane = self.0.entry(lane.to_owned()).or_default();
        let until = now + wait;
        lane.closed = match lane.closed {
            Some((given, end)) if now < end => Some((given, end.max(until))),
            _ => Some((now, until)),
        };
        lane.mark_busy(now, until);
    }

    /// Admits one request on every lane of `chain`, or none and says how long to wait.
    pub(crate) fn admit(
        &mut self,
        chain: &[(&str, &[Window])],
        now: Instant,
    ) -> Result<(), Duration> {
        for (name, windows) in chain {
            let lane = self.0.entry((*name).to_owned()).or_default();
            if let Some(free) = lane.next_free(windows, now) {
                return Err(free - now);
            }
        }
        for (name, windows) in chain {
            self.0
                .entry((*name).to_owned())
                .or_default()
                .admit(windows, now);
        }
        Ok(())
    }

    /// Counts a refused request as well, as Graph does: who hammers stays out.
    pub(crate) fn count_refused(&mut self, lane: &str, windows: &[Window], now: Instant) {
        self.0
            .entry(lane.to_owned())
            .or_default()
            .admit(windows, now);
    }

    /// The part of `from..to` in which at least one of `lanes` was busy.
    pub(crate) fn waited(&self, lanes: &[&str], from: Instant, to: Instant) -> Duration {
        let mut spans: Vec<(Instant, Instant)> = lanes
            .iter()
            .filter_map(|lane| self.0.get(*lane))
            .flat_map(|lane| lane.busy.iter().rev().take_while(|span| span.1 > from))
            .map(|span| (span.0.max(from), span.1.min(to)))
            .filter(|span| span.0 < span.1)
            .collect();
        spans.sort_unstable();
        let mut waited = Duration::ZERO;
        let mut covered = from;
        for (start, end) in spans {
            waited += end.saturating_duration_since(start.max(covered));
            covered = covered.max(end);
        }
        waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN_A_SECOND: &[Window] = &[Window {
        requests: 7,
        span: Duration::from_secs(1),
    }];

    #[test]
    fn a_window_admits_its_number_and_says_how_long_to_wait() {
        let (mut lanes, start) = (Lanes::default(), Instant::now());
        let chain: &[(&str, &[Window])] = &[("lane", SEVEN_A_SECOND)];
        for step in 0..7 {
            assert!(
                lanes
                    .admit(chain, start + Duration::from_millis(10 * step))
                    .is_ok()
            );
        }
        let later = start + Duration::from_millis(400);
        assert_eq!(lanes.admit(chain, later), Err(Duration::from_millis(600)));
        assert!(lanes.admit(chain, start + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn waiting_is_the_union_of_closed_and_full() {
        let (mut lanes, start) = (Lanes::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        lanes.close("a", at(100), Duration::from_millis(100));
        lanes.close("b", at(150), Duration::from_millis(100));
        let waited = lanes.waited(&["a", "b"], at(0), at(1000));
        assert_eq!(waited, Duration::from_millis(150));
        assert_eq!(
            lanes.waited(&["a"], at(150), at(160)),
            Duration::from_millis(10)
        );
    }

    #[test]
    fn a_request_before_the_end_of_a_retry_after_is_early() {
        let (mut lanes, start) = (Lanes::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let grace = Duration::from_millis(50);
        lanes.close("lane", start, Duration::from_secs(1));
        assert!(
            !lanes.is_early("lane", at(20), grace),
            "already on the wire"
        );
        assert!(lanes.is_early("lane", at(999), grace));
        assert!(!lanes.is_early("lane", at(1000), grace));
    }
}
