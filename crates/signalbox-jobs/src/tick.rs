//! `tick`: makes the work of a schedule's ticks and sees to it that the next tick comes.
//!
//! The work is enqueued under ids made of route and instant, then `last_tick` advances, then the next tick is planted,
//! then the job ends: a death between two of these repeats what is before it, and makes the same ids.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use signalbox_core::{
    COMPANIES, CatchUp, CatchUpPurpose, CompanyAddress, Completion, JobError, JobId, JobResult,
    KnownCompany, MOST_MISSED, Overlap, Schedule, ScheduleState, Tick,
};
use signalbox_queue::{Job, JobState, NewJob};

use crate::{
    Context, Route, fault,
    schedules::{advance, begin, plant},
};

/// Companies that are not found yet are asked for again after this time.
const UNFOUND: Duration = Duration::from_secs(5);

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<Tick>) -> JobResult {
    let name = &job.payload.route;
    let route = context.routes.get(name);
    let Some((route, schedule)) = route.and_then(|route| Some((route, route.schedule.as_ref()?)))
    else {
        return Ok(Completion::noted(format!(
            "there is no schedule of `{name}` any more"
        )));
    };
    // Redis said that the tick is due; a clock that is behind shall not find that it is not.
    let now = context.clock.now().max(job.payload.at);
    let state = begin(&context.queue, name, schedule, now).await;
    let ticking = Ticking {
        context: &context,
        job: &job,
        route,
        schedule,
        state: state.map_err(fault::queue)?,
    };
    if job.payload.asked {
        ticking.asked().await
    } else {
        ticking.due(now).await
    }
}

/// What one attempt works with.
struct Ticking<'a> {
    context: &'a Context,
    job: &'a Job<Tick>,
    route: &'a Route,
    schedule: &'a Schedule,
    state: ScheduleState,
}

impl Ticking<'_> {
    /// A person's tick leaves the schedule as it is.
    async fn asked(&self) -> JobResult {
        let note = self
            .make(&[self.job.payload.at], self.state.last_tick)
            .await?;
        Ok(Completion::noted(note))
    }

    /// All ticks that came up since the last one, this one among them.
    async fn due(&self, now: Timestamp) -> JobResult {
        let came_up = self
            .schedule
            .between(self.state.last_tick, now, MOST_MISSED);
        let mut note = "its ticks were made already".to_owned();
        if let Some(newest) = came_up.last().copied() {
            let ticks = self.schedule.to_make(came_up, now);
            note = self.make(&ticks, newest).await?;
        }
        plant(&self.context.queue, &self.route.name, self.schedule, now)
            .await
            .map_err(fault::queue)?;
        Ok(Completion::noted(note))
    }

    /// Enqueues the work of `ticks`, and then notes that everything up to `last` is settled.
    async fn make(&self, ticks: &[Timestamp], last: Timestamp) -> Result<String, JobError> {
        let passed_over = !ticks.is_empty() && self.overlaps().await?;
        let ticks = if passed_over { &[] } else { ticks };
        let companies = self.companies().await?;
        let looks = ticks
            .iter()
            .flat_map(|at| companies.iter().map(move |company| (at, company)));
        let jobs = looks.map(|(at, company)| self.work(*at, company));
        let jobs: Vec<NewJob> = jobs.collect::<Result<_, _>>()?;
        let (count, newest) = (jobs.len(), jobs.last().map(|job| job.id().clone()));
        let queue = &self.context.queue;
        queue.enqueue_all(jobs).await.map_err(fault::queue)?;
        advance(queue, &self.route.name, last, newest)
            .await
            .map_err(fault::queue)?;
        Ok(match (passed_over, count) {
            (true, _) => "passed over: the look of an earlier tick is not over".to_owned(),
            (false, 0) => "missed, and skipped as `misfire` says".to_owned(),
            (false, count) => format!("{count} looks were enqueued"),
        })
    }

    /// Whether the work of an earlier tick is in the way.
    async fn overlaps(&self) -> Result<bool, JobError> {
        let Some(work) = self.state.work.as_ref() else {
            return Ok(false);
        };
        if self.schedule.overlap == Overlap::Allow {
            return Ok(false);
        }
        let found = self.context.queue.find_job(work).await;
        let state = found.map_err(fault::queue)?.map(|job| job.state);
        Ok(matches!(
            state,
            Some(JobState::Scheduled | JobState::Ready | JobState::Running | JobState::Held)
        ))
    }

    /// The companies that are followed. Until they are found there is nothing to look at.
    async fn companies(&self) -> Result<Vec<CompanyAddress>, JobError> {
        let connection = &self.route.source;
        let register = self.context.queue.register(COMPANIES);
        let all = register
            .list::<KnownCompany>()
            .await
            .map_err(fault::queue)?;
        let known = all.into_iter().map(|(_, company)| company);
        let followed = known.filter(|company| company.is_followed_by(connection));
        let addresses: Vec<_> = followed.map(|company| company.address).collect();
        if addresses.is_empty() {
            let cause = format!(
                "the companies of `{connection}` are not found yet; `renew` jobs look for them"
            );
            return Err(JobError::snooze(self.context.after(UNFOUND), cause));
        }
        Ok(addresses)
    }

    /// A look at everything that changed since the one that ended last.
    fn work(&self, at: Timestamp, company: &CompanyAddress) -> Result<NewJob, JobError> {
        let set = &self.route.set;
        let source = self.context.source_of(company)?;
        let tick = JobId::tick(&self.route.name, at, self.job.payload.asked);
        let look = CatchUp {
            company: company.clone(),
            set: set.clone(),
            purpose: CatchUpPurpose::Missed {
                since: Some(self.state.looked_until(&company.scope())),
            },
        };
        let id = JobId::of_tick(&tick, company, set);
        let lanes = source.lanes_of(company.company, set);
        NewJob::new(id, lanes, look, self.job.trace.clone()).map_err(JobError::fail)
    }
}
