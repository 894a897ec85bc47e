//! Lanes and permits in the model: what is shut hands out nothing, and no limit is overrun.

use super::step::{Change, LANES};

/// Requests under way at once that the root allows, and that one lane below it allows.
pub(super) const AT_ONCE: [u32; 2] = [3, 2];
/// The root's rate window, as written and, with its guard, in ms.
pub(super) const WINDOW: &str = "6/10s";
const AMOUNT: u64 = 6;
const SPAN: i64 = 10_200;

#[derive(Debug, Clone, Default)]
struct Lane {
    closed_until: i64,
    paused: bool,
    /// The next probe, and the ms to the one after it.
    broken: Option<(i64, i64)>,
}

/// A permit that was granted.
#[derive(Debug, Clone)]
struct Grant {
    number: usize,
    at: i64,
    weight: u64,
    lane: usize,
    /// Whose request is under way; nothing once it is over.
    by: Option<(usize, String)>,
}

/// All lanes, the root first.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    all: [Lane; LANES.len()],
    grants: Vec<Grant>,
}

impl Lanes {
    pub(super) fn change(&mut self, lane: usize, change: Change, now: i64) {
        let lane = &mut self.all[lane];
        match change {
            Change::Close(at) => lane.closed_until = lane.closed_until.max(now + at),
            Change::Open => lane.closed_until = 0,
            Change::Pause => lane.paused = true,
            Change::Resume => lane.paused = false,
            Change::Break { probe, every } => lane.broken = Some((now + probe, every)),
            Change::Mend => lane.broken = None,
        }
    }

    pub(super) fn mend(&mut self, lane: usize) {
        self.all[lane].broken = None;
    }

    fn is_gated(&self, lane: usize, now: i64) -> bool {
        let shut = |lane: &Lane| lane.paused || lane.closed_until > now;
        shut(&self.all[0]) || shut(&self.all[lane])
    }

    /// Whether no job of `lane` may be handed out.
    pub(super) fn is_shut(&self, lane: usize, now: i64) -> bool {
        let waits = |lane: &Lane| lane.broken.is_some_and(|(probe, _)| probe > now);
        self.is_gated(lane, now) || waits(&self.all[0]) || waits(&self.all[lane])
    }

    /// Whether `lane` or its root is at fault.
    pub(super) fn is_broken(&self, lane: usize) -> bool {
        self.all[0].broken.is_some() || self.all[lane].broken.is_some()
    }

    /// One job goes through: the next probe of each broken lane above it is later.
    pub(super) fn start_probes(&mut self, lane: usize, now: i64) -> Vec<usize> {
        let broken = [0, lane]
            .into_iter()
            .filter(|lane| self.all[*lane].broken.is_some());
        let broken: Vec<usize> = broken.collect();
        for lane in &broken {
            if let Some((probe, every)) = &mut self.all[*lane].broken {
                *probe = now + *every;
            }
        }
        broken
    }

    /// Notes a permit; an error says which limit it overruns.
    pub(super) fn grant(
        &mut self,
        number: usize,
        by: (usize, String),
        request: (usize, u64, i64),
        is_current: impl Fn(&(usize, String)) -> bool,
    ) -> Result<(), String> {
        let (lane, weight, now) = request;
        if self.is_gated(lane, now) {
            return Err(format!("a permit through the shut lane {lane}"));
        }
        let spent: u64 = self.spent(now, SPAN);
        if spent > 0 && spent + weight > AMOUNT {
            return Err(format!(
                "{spent} of {AMOUNT} were used, and {weight} more was granted"
            ));
        }
        for (place, most) in [0, lane].into_iter().zip(AT_ONCE) {
            if self.under_way(place, &is_current) >= most as usize {
                return Err(format!("more than {most} requests at once in lane {place}"));
            }
        }
        self.grants.push(Grant {
            number,
            at: now,
            weight,
            lane,
            by: Some(by),
        });
        Ok(())
    }

    /// Whether a request of `weight` has to be let through: nothing is near a limit, slices included.
    pub(super) fn must_grant(
        &self,
        lane: usize,
        weight: u64,
        now: i64,
        is_current: impl Fn(&(usize, String)) -> bool,
    ) -> bool {
        // A slice of a window counts for one slice longer than the window.
        let spent = self.spent(now, SPAN + SPAN / 16 + 2);
        let room = [0, lane].into_iter().zip(AT_ONCE);
        let mut room = room.map(|(place, most)| self.under_way(place, &is_current) < most as usize);
        !self.is_gated(lane, now)
            && (spent == 0 || spent + weight <= AMOUNT)
            && room.all(|there_is| there_is)
    }

    pub(super) fn give_back(&mut self, number: usize) {
        for grant in self
            .grants
            .iter_mut()
            .filter(|grant| grant.number == number)
        {
            grant.by = None;
        }
    }

    fn spent(&self, now: i64, span: i64) -> u64 {
        let recent = self.grants.iter().filter(|grant| grant.at > now - span);
        recent.map(|grant| grant.weight).sum()
    }

    fn under_way(&self, lane: usize, is_current: &impl Fn(&(usize, String)) -> bool) -> usize {
        let here = self
            .grants
            .iter()
            .filter(|grant| lane == 0 || grant.lane == lane);
        here.filter(|grant| grant.by.as_ref().is_some_and(is_current))
            .count()
    }
}
