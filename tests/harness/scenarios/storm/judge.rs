//! Which requests were early or one too many.
//!
//! Redis gave leave at some instant between the two that the worker noted. Only what cannot have been otherwise counts:
//! asked for after a gate was closed and granted before it opened, or more in a window than fit into it however the
//! instants lay. What arrived is counted as the upstream counts, by its own window without our guard.

use signalbox_core::Window;

use super::{count, upstream::Served, weather::Closure};
use crate::crew::Limited;

/// Scripts know the time in whole milliseconds.
const GRAIN_US: i64 = 1_000;

/// How many requests there were of each kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Leave was given while a gate was closed.
    pub(super) early: u64,
    /// More than a window and its guard allow, by when leave was given.
    pub(super) over_permitted: u64,
    /// More than a window allows, by when they arrived.
    pub(super) over_arrived: u64,
    /// More at the same time than allowed.
    pub(super) over_concurrency: u64,
    /// Leave was asked for before the gate closed, and the request came after.
    pub(super) on_their_way: u64,
}

impl Verdict {
    pub(super) fn of(lanes: &[Limited], served: &[Served], closures: &[Closure]) -> Self {
        let mut verdict = Self {
            early: matching(served, closures, is_early),
            on_their_way: matching(served, closures, is_on_its_way),
            ..Self::default()
        };
        for limited in lanes {
            let mut own: Vec<&Served> = served
                .iter()
                .filter(|one| uses(one, &limited.lane))
                .collect();
            for window in &limited.limits.windows {
                verdict.over_permitted += over_permitted(&mut own, window);
                verdict.over_arrived += over_arrived(&own, window);
            }
            if let Some(most) = limited.limits.concurrency {
                verdict.over_concurrency += over_concurrency(&own, most);
            }
        }
        verdict
    }
}

/// Whether the request went through `lane`, which is its own or one above it.
fn uses(one: &Served, lane: &str) -> bool {
    let below = one.request.lane.strip_prefix(lane);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn matching(served: &[Served], closures: &[Closure], found: fn(&Served, &Closure) -> bool) -> u64 {
    let met = |one: &&Served| {
        closures
            .iter()
            .any(|closure| uses(one, &closure.lane) && found(one, closure))
    };
    count(served.iter().filter(met).count())
}

fn is_early(one: &Served, closure: &Closure) -> bool {
    one.request.asked > closure.known && one.request.granted < closure.until
}

fn is_on_its_way(one: &Served, closure: &Closure) -> bool {
    let stretch = closure.known..closure.until;
    one.request.asked <= closure.known && stretch.contains(&one.arrived)
}

/// Of each run of one more than the amount: all of them were given leave between the first question and the last answer.
fn over_permitted(own: &mut [&Served], window: &Window) -> u64 {
    own.sort_by_key(|one| one.request.granted);
    let apart = micros(window.guarded()) - GRAIN_US;
    let too_close = |run: &&[&Served]| {
        let first = run.iter().map(|one| one.request.asked).min();
        let last = run.last().map(|one| one.request.granted);
        last.zip(first)
            .is_some_and(|(last, first)| last - first < apart)
    };
    count(own.windows(size(window)).filter(too_close).count())
}

fn over_arrived(own: &[&Served], window: &Window) -> u64 {
    let mut instants: Vec<i64> = own.iter().map(|one| one.arrived).collect();
    instants.sort_unstable();
    let runs = instants.windows(size(window));
    let too_close = runs.filter(|run| run[run.len() - 1] - run[0] < micros(window.span));
    count(too_close.count())
}

fn over_concurrency(own: &[&Served], most: u32) -> u64 {
    let starts = own.iter().map(|one| (one.arrived, true));
    let ends = own.iter().map(|one| (one.answered, false));
    let mut events: Vec<(i64, bool)> = starts.chain(ends).collect();
    // At the same instant, the end comes first.
    events.sort_unstable();
    let (mut under_way, mut over) = (0_u32, 0);
    for (_, begins) in events {
        if begins {
            under_way += 1;
            over += u64::from(under_way > most);
        } else {
            under_way -= 1;
        }
    }
    over
}

/// One more than a window allows.
fn size(window: &Window) -> usize {
    usize::try_from(window.amount)
        .unwrap_or(usize::MAX)
        .saturating_add(1)
}

fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Closure, Served, Verdict};
    use crate::crew::{Limited, Request};

    const MS: i64 = 1_000;

    /// A request for which leave was asked for at `at` ms; everything else takes a millisecond each.
    fn served(at: i64) -> Served {
        Served {
            request: Request {
                lane: "storm/0/3".to_owned(),
                asked: at * MS,
                granted: (at + 1) * MS,
            },
            arrived: (at + 2) * MS,
            answered: (at + 3) * MS,
        }
    }

    fn judge(lane: &str, limits: &str, served: &[Served], closed_ms: (i64, i64)) -> Verdict {
        let lane = lane.to_owned();
        let limits = limits.parse().unwrap();
        let closure = Closure {
            lane: lane.clone(),
            known: closed_ms.0 * MS,
            until: closed_ms.1 * MS,
        };
        Verdict::of(&[Limited { lane, limits }], served, &[closure])
    }

    #[test]
    fn a_request_is_early_if_leave_was_given_while_a_gate_above_it_was_closed() {
        let early = |at, lane| judge(lane, "", &[served(at)], (100, 200)).early;
        assert_eq!(early(150, "storm/0"), 1);
        assert_eq!(early(150, "storm/0/3"), 1);
        assert_eq!(early(150, "storm/1") + early(150, "storm/0/33"), 0);
        assert_eq!(early(99, "storm/0") + early(200, "storm/0"), 0);
        let late = judge("storm/0", "", &[served(99)], (100, 200));
        assert_eq!(late.on_their_way, 1);
    }

    #[test]
    fn one_too_many_in_a_window_is_found_by_leave_and_by_arrival() {
        let over = |apart| {
            let requests = [served(0), served(1), served(apart)];
            let verdict = judge("storm", "2/1s", &requests, (0, 0));
            (verdict.over_permitted, verdict.over_arrived)
        };
        assert_eq!(over(900), (1, 1));
        // Within the guard, which is ours and not the upstream's.
        assert_eq!(over(1005), (1, 0));
        assert_eq!(over(1021), (0, 0));
    }

    #[test]
    fn one_too_many_at_the_same_time_is_found() {
        let over = |at| {
            let requests = [served(0), served(at)];
            judge("storm", "1", &requests, (0, 0)).over_concurrency
        };
        assert_eq!((over(0), over(1)), (1, 0));
    }
}
