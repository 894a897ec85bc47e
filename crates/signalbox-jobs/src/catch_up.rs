//! `catch_up`: a look at a whole set, for what was missed or for the baseline of new routes.
//!
//! A baseline enters what exists as known, and only then may its routes announce. A look that finds more to announce
//! than the flood limit holds it as a group, because that is a rebuild more often than it is news. Polls and sweeps come
//! again for as long as a route listens: they are never dead, and one that fails is followed by the next.

mod baseline;
mod census;
mod haul;
mod known;
mod marks;
mod missed;
mod poll;
mod reading;
mod sweep;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use signalbox_core::{
    COMPANIES, CatchUp, CatchUpOfSet, CatchUpPurpose, Completion, Decision, JobError, JobId,
    JobResult, KnownCompany, Record, WATERMARKS, Watermark,
};
use signalbox_microsoft::{CompanyKey, EntitySet};
use signalbox_queue::{Job, NewJob};
use uuid::Uuid;

use crate::{
    Context, Route, Source, fault,
    pace::{Notified, next_poll, next_sweep},
    way::Way,
};

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    source: &'a Source,
    job: &'a Job<CatchUp>,
    set: &'a Arc<EntitySet>,
    company_name: String,
    way: Way<'a>,
}

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<CatchUp>) -> JobResult {
    let CatchUp {
        company,
        set,
        purpose,
    } = &job.payload;
    let source = context.source_of(company)?;
    if matches!(
        purpose,
        CatchUpPurpose::Baseline | CatchUpPurpose::Missed { .. }
    ) {
        return attempt(&context, source, &job, None).await;
    }
    let pace = match Notified::now(&context).await {
        Ok(notified) => notified.pace(&context, source, company, set),
        Err(_) => context.scaled(source.polling.every),
    };
    match again(&context, source, &job, pace).await {
        Err(error) if !matches!(error.decision(), Decision::Snooze(_)) => {
            let next = match purpose {
                CatchUpPurpose::Sweep => next_sweep(&context, source, &job.lease.id),
                _ => next_poll(&context, &job.lease.id, pace),
            };
            Ok(failed(&context, &job, &error, next).await)
        }
        result => result,
    }
}

/// A look that comes again, unless nobody needs it any more.
async fn again(
    context: &Context,
    source: &Source,
    job: &Job<CatchUp>,
    pace: Duration,
) -> JobResult {
    let Some(why) = is_over(context, &job.payload).await? else {
        return attempt(context, source, job, Some(pace)).await;
    };
    if job.payload.purpose == CatchUpPurpose::Sweep {
        census::forget(context, &job.payload).await?;
    }
    Ok(Completion::noted(why))
}

/// `pace` is how often the set is polled.
async fn attempt(
    context: &Context,
    source: &Source,
    job: &Job<CatchUp>,
    pace: Option<Duration>,
) -> JobResult {
    let Some(set) = source.entities.get(&job.payload.set) else {
        let note = format!("`{}` is no entity set of this connection", job.payload.set);
        return Ok(Completion::noted(note));
    };
    let company = job.payload.company.company;
    let asked = (company, &*job.payload.set);
    let way = source.way_to(context, &job.lease, job.trace.as_deref(), asked);
    let company_name = source.company_name(company, &way).await?;
    let attempt = Attempt {
        context,
        source,
        job,
        set,
        company_name,
        way,
    };
    match &job.payload.purpose {
        CatchUpPurpose::Baseline => attempt.baseline().await,
        CatchUpPurpose::Missed { since } => attempt.missed(*since).await,
        CatchUpPurpose::Poll => attempt.poll(pace.unwrap_or(source.polling.every)).await,
        CatchUpPurpose::Sweep => attempt.sweep().await,
    }
}

/// Why nobody needs this set looked at any more. The round of its environment plants the look again when somebody does.
async fn is_over(context: &Context, look: &CatchUp) -> Result<Option<&'static str>, JobError> {
    let CatchUp { company, set, .. } = look;
    let mut routes = context.routes.listening(&company.connection, set);
    if routes.next().is_none() {
        return Ok(Some("no route listens to this set any more"));
    }
    let key = KnownCompany::key(&company.connection, &company.environment, company.company);
    let register = context.queue.register(COMPANIES);
    let known: Option<KnownCompany> = register.get(&key).await.map_err(fault::queue)?;
    let left = known.is_some_and(|known| known.left.is_some());
    Ok(left.then_some("the company is not followed any more"))
}

/// A poll or a sweep that failed is noted where the next one is, and nothing more: its work is done by the next.
async fn failed(
    context: &Context,
    job: &Job<CatchUp>,
    error: &JobError,
    next: Timestamp,
) -> Completion {
    let chain = error.chain();
    let CatchUp { company, set, .. } = &job.payload;
    let (entity, company_id) = (set.as_str(), company.company);
    tracing::error!(%company_id, entity, chain, "a set could not be looked at; trying again");
    let register = context.queue.register(WATERMARKS);
    let key = Watermark::key(company, set);
    let noted = register.update(&key, |old: Option<Watermark>| {
        let mut mark = old?;
        mark.fail(chain.clone());
        Some(mark)
    });
    if let Err(error) = noted.await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "that a look failed was not noted");
    }
    Completion::noted(chain).again_at(next)
}

impl<'a> Attempt<'a> {
    fn company(&self) -> Uuid {
        self.job.payload.company.company
    }

    fn company_key(&self) -> CompanyKey<'_> {
        CompanyKey {
            id: self.company(),
            name: &self.company_name,
        }
    }

    fn scope(&self) -> String {
        self.job.payload.company.scope()
    }

    /// The routes that listen to the set.
    fn routes(&self) -> impl Iterator<Item = &'a Route> + use<'a> {
        let CatchUp { company, set, .. } = &self.job.payload;
        self.context.routes.listening(&company.connection, set)
    }

    /// Adds to a page what a route is to see of its records.
    async fn finish(&self, page: &mut [Record]) -> Result<(), JobError> {
        let company = self.company_key();
        self.source.finish(self.set, company, page, &self.way).await
    }
}

/// Passes on what an older release enqueued.
pub(crate) async fn run_of_set(context: Arc<Context>, job: Job<CatchUpOfSet>) -> JobResult {
    let old = &job.payload;
    let Some(company) = old.company else {
        return Ok(Completion::noted("baselines are made for each company now"));
    };
    let source = context.source(&old.connection, None)?;
    let look = CatchUp {
        company: source.address(company),
        set: old.set.clone(),
        purpose: old.purpose.clone(),
    };
    let id = JobId::catch_up(&look.company, &look.set, job.lease.id.as_str());
    let lanes = source.lanes_of(company, &look.set);
    let job = NewJob::new(id, lanes, look, job.trace.clone());
    let enqueued = context.queue.enqueue(job.map_err(JobError::fail)?).await;
    enqueued.map_err(fault::queue)?;
    Ok(Completion::noted("passed on as a look at its company"))
}

/// A faulty expression would fail for every record alike.
fn fail(error: crate::ExpressionError) -> JobError {
    JobError::fail(error)
}
