//! When a route's ticks are, which of them were missed, and which of those are still made.
//!
//! Pure: the same pattern, zone and instants always give the same ticks, so that any number of processes agree on the
//! next one without a leader. That is why the rules of the time zones come with the release and not from the machine.

mod cron;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use cron::{CronPattern, ScheduleError, Zone};

use crate::JobId;

/// The register that holds a [`ScheduleState`] per route.
pub const SCHEDULES: &str = "schedules";

/// A tick that runs at most this late is on time.
pub const ON_TIME: SignedDuration = SignedDuration::from_secs(60);

/// Missed ticks that are made at the most; the newest ones.
pub const MOST_MISSED: usize = 100;

/// Missed ticks are looked for this far back first: a tick a minute is 44,640.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What becomes of ticks whose instant passed while nobody could run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Misfire {
    /// Nothing: the next tick is the next that is made.
    Skip,
    /// The newest of them is made.
    Last,
    /// All of them are made, up to [`MOST_MISSED`].
    All,
}

/// What becomes of a tick while the work of an earlier one is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It makes no work.
    Skip,
    /// It makes its work all the same.
    Allow,
}

/// When a route ticks, and what happens when it cannot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The ticks on the clock on the wall.
    pub cron: CronPattern,
    /// Where that wall is.
    pub time_zone: Zone,
    /// What becomes of missed ticks.
    pub misfire: Misfire,
    /// What becomes of a tick that meets the work of an earlier one.
    pub overlap: Overlap,
}

/// Where the schedule of a route stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Which ticks these are, as [`Schedule::ticks`] says it. Other ticks begin anew.
    pub ticks: String,
    /// Every tick up to this instant has been made or passed over. At first, the instant at which the schedule began.
    pub last_tick: Timestamp,
    /// Everything changed before this instant has been looked at.
    pub looked_until: Timestamp,
    /// The same of single companies, by their scopes, once each has been looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked: BTreeMap<String, Timestamp>,
    /// The work that the newest tick made.
    pub work: Option<JobId>,
}

impl ScheduleState {
    /// A schedule that begins at `now`: what was before is not its matter.
    pub fn beginning(schedule: &Schedule, now: Timestamp) -> Self {
        Self {
            ticks: schedule.ticks(),
            last_tick: now,
            looked_until: now,
            looked: BTreeMap::new(),
            work: None,
        }
    }

    /// Everything in the company of `scope` that changed before this instant has been looked at.
    pub fn looked_until(&self, scope: &str) -> Timestamp {
        self.looked.get(scope).copied().unwrap_or(self.looked_until)
    }

    /// This state under `schedule`, which may have been changed: new ticks have not been missed before `now`.
    #[must_use]
    pub fn under(mut self, schedule: &Schedule, now: Timestamp) -> Self {
        let ticks = schedule.ticks();
        if self.ticks != ticks {
            self.ticks = ticks;
            self.last_tick = self.last_tick.max(now);
        }
        self
    }
}

impl Schedule {
    /// The pattern and its zone, in one line.
    pub fn ticks(&self) -> String {
        format!("{} {}", self.cron, self.time_zone)
    }

    /// The first tick after `instant`; none if the calendar ends before.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.cron.next_after(instant, &self.time_zone)
    }

    /// The ticks after `last` up to and including `now`, oldest first: the newest `most` of them.
    pub fn between(&self, last: Timestamp, now: Timestamp, most: usize) -> Vec<Timestamp> {
        let recent = now.checked_sub(FIRST_LOOK).unwrap_or(last).max(last);
        let ticks = self.newest(recent, now, most);
        // Enough are found, or all there are; a schedule with none in a month has few in a year.
        if ticks.len() == most || recent == last {
            return ticks;
        }
        self.newest(last, now, most)
    }

    fn newest(&self, last: Timestamp, now: Timestamp, most: usize) -> Vec<Timestamp> {
        let following = std::iter::successors(self.next_after(last), |tick| self.next_after(*tick));
        let mut ticks = std::collections::VecDeque::new();
        for tick in following.take_while(|tick| *tick <= now) {
            ticks.push_back(tick);
            if ticks.len() > most {
                ticks.pop_front();
            }
        }
        ticks.into()
    }

    /// Which of `ticks`, that came up since the last one was made, are made at `now`.
    ///
    /// The newest is on time if it is at most [`ON_TIME`] ago; all others were missed, or they would not be here.
    pub fn to_make(&self, mut ticks: Vec<Timestamp>, now: Timestamp) -> Vec<Timestamp> {
        let Some(newest) = ticks.last().copied() else {
            return ticks;
        };
        match self.misfire {
            Misfire::All => ticks,
            Misfire::Last => vec![newest],
            Misfire::Skip => {
                ticks.retain(|tick| *tick == newest && now.duration_since(newest) <= ON_TIME);
                ticks
            }
        }
    }
}

#[cfg(test)]
mod tests;
