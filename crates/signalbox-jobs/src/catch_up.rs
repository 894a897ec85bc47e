//! `catch_up`: a look at a whole set, for what was missed or for the baseline of new routes.
//!
//! A baseline enters what exists as known, and only then may its routes announce. A catch-up that finds more to
//! announce than the flood limit holds it as a group, because that is a rebuild more often than it is news.

mod baseline;
mod missed;

use std::sync::Arc;

use signalbox_core::{
    CatchUp, CatchUpOfSet, CatchUpPurpose, Completion, JobError, JobId, JobResult,
};
use signalbox_microsoft::{CompanyKey, EntitySet};
use signalbox_queue::{Job, NewJob};
use uuid::Uuid;

use crate::{Context, Source, fault, way::Way};

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
    let source = context.source_of(&job.payload.company)?;
    let Some(set) = source.entities.get(&job.payload.set) else {
        let note = format!("no card for `{}` yet", job.payload.set);
        return Ok(Completion::noted(note));
    };
    let way = source.way(&context, &job.lease, job.trace.as_deref());
    let company = job.payload.company.company;
    let company_name = source.company_name(company, &way).await?;
    let attempt = Attempt {
        context: &context,
        source,
        job: &job,
        set,
        company_name,
        way,
    };
    match &job.payload.purpose {
        CatchUpPurpose::Baseline => attempt.baseline().await,
        CatchUpPurpose::Missed { since } => attempt.missed(*since).await,
    }
}

impl Attempt<'_> {
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
    let job = NewJob::new(id, source.lanes.clone(), look, job.trace.clone());
    let enqueued = context.queue.enqueue(job.map_err(JobError::fail)?).await;
    enqueued.map_err(fault::queue)?;
    Ok(Completion::noted("passed on as a look at its company"))
}

/// A faulty expression would fail for every record alike.
fn fail(error: crate::ExpressionError) -> JobError {
    JobError::fail(error)
}
