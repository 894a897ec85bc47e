//! What the queue promises, as a pure model: jobs, places, leases, and the instants at which they change.
//!
//! Written from the promises and from `docs/job-lifecycle.md`, not from the scripts. Instants are ms.

use signalbox_queue::JobState;

use super::{
    lanes::Lanes,
    step::{End, JOBS, News},
};

/// How long a lease lasts.
pub(super) const LEASE: i64 = 10_000;
/// Deaths after which a job runs alone, and deaths alone that end it.
const SUSPECTED: u32 = 2;
const FATAL: u32 = 3;
/// For how long a done job absorbs the same news.
const DEDUPE: i64 = 7 * 86_400_000;

/// A lease as the model knows it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) token: String,
    pub(super) until: i64,
    alone: bool,
    /// Lanes that the attempt probes.
    probes: Vec<usize>,
}

/// One job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) state: JobState,
    /// The states that it came into since this was looked at; the first one replaced another job if that is so.
    pub(super) path: Vec<JobState>,
    pub(super) is_new: bool,
    pub(super) place: u64,
    pub(super) enqueued: i64,
    changed: i64,
    pub(super) attempt: u32,
    pub(super) deaths: u32,
    pub(super) faults: u32,
    deaths_alone: u32,
    pub(super) due: Option<i64>,
    floor: i64,
    pub(super) group: Option<usize>,
    batch: Option<usize>,
    pub(super) payload: String,
    /// Newer news that waits for the end of the attempt: when it came about, and its payload.
    next: Option<(i64, String)>,
    finished: i64,
    pub(super) held: Option<Held>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) jobs: Vec<Option<Job>>,
    pub(super) lanes: Lanes,
    pub(super) now: i64,
    places: u64,
    seen_worker: Option<i64>,
    grace: i64,
}

/// The lane of a job: never the root.
pub(super) fn lane_of(job: usize) -> usize {
    1 + job % 3
}

impl Job {
    pub(super) fn is_suspect(&self) -> bool {
        self.deaths >= SUSPECTED
    }

    fn become_(&mut self, state: JobState) {
        self.state = state;
        self.path.push(state);
    }

    fn ready(&mut self) {
        self.become_(JobState::Ready);
        (self.due, self.floor, self.group, self.held) = (None, 0, None, None);
    }

    fn schedule(&mut self, due: i64) {
        self.become_(JobState::Scheduled);
        (self.due, self.group, self.held) = (Some(due), None, None);
    }

    fn hold(&mut self, group: usize) {
        self.become_(JobState::Held);
        (self.group, self.held) = (Some(group), None);
    }

    fn begin_anew(&mut self, now: i64) {
        (self.attempt, self.deaths, self.faults, self.deaths_alone) = (0, 0, 0, 0);
        self.enqueued = now;
    }

    fn end(&mut self, state: JobState, now: i64) {
        self.become_(state);
        self.finished = now;
        (self.due, self.floor, self.group, self.held) = (None, 0, None, None);
    }

    fn take_next(&mut self, now: i64) -> bool {
        let Some((changed, payload)) = self.next.take() else {
            return false;
        };
        self.begin_anew(now);
        (self.changed, self.payload) = (changed, payload);
        true
    }

    fn go_on(&mut self, now: i64) {
        match self.due {
            Some(due) if due > now => self.schedule(due),
            _ => self.ready(),
        }
    }

    /// Newer news about a job that waits: never before the end of a snooze.
    fn merge(&mut self, changed: i64, due: i64, payload: String, now: i64) {
        if changed >= self.changed {
            (self.payload, self.changed) = (payload, changed);
            (self.attempt, self.deaths, self.faults) = (0, 0, 0);
        }
        let at = due.max(self.floor);
        if self.due.is_some_and(|known| at < known) {
            self.due = Some(at);
            if self.state == JobState::Scheduled {
                self.go_on(now);
            }
        }
    }
}

impl Model {
    pub(super) fn new(now: i64) -> Self {
        Self {
            jobs: vec![None; JOBS],
            now,
            ..Self::default()
        }
    }

    fn place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    /// Stores one job, and says what became of it as `Enqueued` does.
    pub(super) fn enqueue(&mut self, news: &News, payload: &str) -> String {
        let now = self.now;
        let place = self.place();
        let due = news.due.map_or(0, |due| now + due);
        if let Some(job) = &mut self.jobs[news.job] {
            let state = job.state;
            let over = matches!(state, JobState::Done | JobState::Dead | JobState::Cancelled);
            match news.changed {
                None if state != JobState::Done || job.finished + DEDUPE > now => {
                    return format!("Absorbed({state:?})");
                }
                Some(changed) if state == JobState::Running => {
                    if job.next.as_ref().is_none_or(|(known, _)| changed >= *known) {
                        job.next = Some((changed, payload.to_owned()));
                    }
                    return "Pending".to_owned();
                }
                Some(changed) if !over => {
                    job.merge(changed, due, payload.to_owned(), now);
                    return format!("Merged({state:?})");
                }
                _ => {}
            }
        }
        let mut job = Job {
            state: JobState::Ready,
            path: Vec::new(),
            is_new: true,
            place,
            enqueued: now,
            changed: news.changed.unwrap_or(0),
            attempt: 0,
            deaths: 0,
            faults: 0,
            deaths_alone: 0,
            due: Some(due).filter(|due| *due > now),
            floor: 0,
            group: None,
            batch: news.batch,
            payload: payload.to_owned(),
            next: None,
            finished: 0,
            held: None,
        };
        match news.group {
            Some(group) => job.hold(group),
            None => job.go_on(now),
        }
        self.jobs[news.job] = Some(job);
        "New".to_owned()
    }

    /// A worker shows itself. After a gap longer than a lease every lease gets one full period, but only once.
    pub(super) fn notice_worker(&mut self) {
        let gap = self.now - self.seen_worker.unwrap_or(self.now);
        if self.seen_worker.is_none() || gap.abs() > LEASE / 8 {
            self.seen_worker = Some(self.now);
        }
        if gap > LEASE {
            let full = self.now + LEASE;
            let given = std::mem::replace(&mut self.grace, full);
            for held in self
                .jobs
                .iter_mut()
                .flatten()
                .filter_map(|job| job.held.as_mut())
            {
                if held.until != given {
                    held.until = held.until.max(full);
                }
            }
        }
    }

    /// What time alone brings about, as soon as a worker looks.
    pub(super) fn catch_up(&mut self) {
        let now = self.now;
        self.notice_worker();
        for job in self.jobs.iter_mut().flatten() {
            if job.held.as_ref().is_some_and(|held| held.until <= now) {
                job.lose_worker(now);
            } else if job.state == JobState::Scheduled && job.due.is_some_and(|due| due <= now) {
                job.ready();
            }
        }
    }

    /// The job is handed out under `token`; the lanes that it probes are let through.
    pub(super) fn lease(&mut self, index: usize, token: String, alone: bool) {
        let probes = self.lanes.start_probes(lane_of(index), self.now);
        let until = self.now + LEASE;
        if let Some(job) = &mut self.jobs[index] {
            job.become_(JobState::Running);
            let alone = alone && job.is_suspect();
            job.held = Some(Held {
                token,
                until,
                alone,
                probes,
            });
        }
    }

    pub(super) fn holds(&self, index: usize, token: &str) -> bool {
        let held = self.jobs[index].as_ref().and_then(|job| job.held.as_ref());
        held.is_some_and(|held| held.token == token)
    }

    /// The jobs that join the attempt of `index` now, in order; nothing if its lease has passed on or run out.
    pub(super) fn claim(
        &mut self,
        index: usize,
        token: &str,
        batch: usize,
        most: usize,
    ) -> Option<Vec<usize>> {
        let held = self.jobs[index].as_ref().and_then(|job| job.held.clone());
        let held = held.filter(|held| held.token == token && held.until > self.now)?;
        let lane = lane_of(index);
        if held.alone || self.lanes.is_shut(lane, self.now) || self.lanes.is_broken(lane) {
            return Some(Vec::new());
        }
        let joins = |job: &Job| {
            job.state == JobState::Ready && job.batch == Some(batch) && !job.is_suspect()
        };
        let waiting = (0..JOBS).filter(|index| lane_of(*index) == lane);
        let found = waiting.filter_map(|index| Some((index, self.jobs[index].as_ref()?)));
        let mut joining: Vec<(u64, usize)> = found
            .filter(|(_, job)| joins(job))
            .map(|(index, job)| (job.place, index))
            .collect();
        joining.sort_unstable();
        joining.truncate(most);
        let joining: Vec<usize> = joining.into_iter().map(|(_, index)| index).collect();
        for index in &joining {
            if let Some(job) = &mut self.jobs[*index] {
                job.become_(JobState::Running);
                job.held = Some(Held {
                    probes: Vec::new(),
                    ..held.clone()
                });
            }
        }
        Some(joining)
    }

    pub(super) fn renew(&mut self, index: usize, token: &str) -> bool {
        self.notice_worker();
        let until = self.now + LEASE;
        let holds = self.holds(index, token);
        if holds && let Some(held) = self.jobs[index].as_mut().and_then(|job| job.held.as_mut()) {
            held.until = until;
        }
        holds
    }

    /// Ends an attempt; false, and nothing, if the token is not the job's.
    pub(super) fn settle(&mut self, index: usize, token: &str, end: End) -> bool {
        if !self.holds(index, token) {
            return false;
        }
        let (now, place) = (self.now, self.place());
        let Some(job) = &mut self.jobs[index] else {
            return false;
        };
        let probes = job.held.take().map(|held| held.probes).unwrap_or_default();
        job.settle(end, now, place);
        if matches!(end, End::Complete | End::Again(_)) {
            for lane in probes {
                self.lanes.mend(lane);
            }
        }
        true
    }

    pub(super) fn cancel(&mut self, index: usize) -> String {
        let now = self.now;
        let waits = [JobState::Ready, JobState::Scheduled, JobState::Held];
        self.operate(index, &waits, |job| job.end(JobState::Cancelled, now))
    }

    pub(super) fn hold(&mut self, index: usize, group: usize) -> String {
        let waits = [JobState::Ready, JobState::Scheduled];
        self.operate(index, &waits, |job| job.hold(group))
    }

    pub(super) fn release(&mut self, index: usize) -> String {
        let now = self.now;
        self.operate(index, &[JobState::Held], |job| job.go_on(now))
    }

    pub(super) fn revive(&mut self, index: usize) -> String {
        let now = self.now;
        self.operate(index, &[JobState::Dead], |job| {
            job.begin_anew(now);
            job.ready();
        })
    }

    fn operate(&mut self, index: usize, from: &[JobState], act: impl FnOnce(&mut Job)) -> String {
        let Some(job) = &mut self.jobs[index] else {
            return "Missing".to_owned();
        };
        let state = job.state;
        if !from.contains(&state) {
            return format!("Kept({state:?})");
        }
        act(job);
        format!("Moved({state:?})")
    }

    /// Ends the hold of a group: its jobs go on, or are done because they were seen. Returns how many.
    pub(super) fn end_hold(&mut self, group: usize, seen: bool) -> u64 {
        let now = self.now;
        let mut ended = 0;
        for job in self
            .jobs
            .iter_mut()
            .flatten()
            .filter(|job| job.group == Some(group))
        {
            ended += 1;
            if seen {
                job.end(JobState::Done, now);
            } else {
                job.go_on(now);
            }
        }
        ended
    }
}

impl Job {
    fn lose_worker(&mut self, now: i64) {
        let alone = self.held.take().is_some_and(|held| held.alone);
        self.attempt += 1;
        self.deaths += 1;
        self.deaths_alone += u32::from(alone);
        if !self.take_next(now) && self.deaths_alone >= FATAL {
            self.end(JobState::Dead, now);
        } else {
            self.ready();
        }
    }

    fn settle(&mut self, end: End, now: i64, place: u64) {
        match end {
            End::Retry(at) | End::Defer(at) | End::Snooze(at) => {
                self.attempt += u32::from(!matches!(end, End::Snooze(_)));
                self.faults += u32::from(matches!(end, End::Retry(_)));
                self.take_next(now);
                if matches!(end, End::Snooze(_)) {
                    self.floor = now + at;
                }
                self.schedule(now + at);
            }
            End::Release => {
                self.take_next(now);
                self.ready();
            }
            End::Hold(group) => {
                self.attempt += 1;
                self.take_next(now);
                self.hold(group);
            }
            End::Complete | End::Dead | End::Again(_) if self.take_next(now) => {
                self.place = place;
                self.ready();
            }
            End::Again(at) => {
                self.begin_anew(now);
                self.schedule(now + at);
            }
            End::Dead => {
                self.attempt += 1;
                self.end(JobState::Dead, now);
            }
            End::Complete => self.end(JobState::Done, now),
        }
    }
}
