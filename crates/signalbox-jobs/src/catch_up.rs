//! `catch_up`: a look at a whole set, for what was missed or for the baseline of new routes.
//!
//! A baseline enters what exists as known, and only then may its routes announce. A catch-up that finds more to
//! announce than the flood limit holds it as a group, because that is a rebuild more often than it is news.

mod baseline;
mod missed;

use std::sync::Arc;

use signalbox_core::{CatchUp, CatchUpPurpose, Completion, JobError, JobResult};
use signalbox_microsoft::EntitySet;
use signalbox_queue::Job;
use uuid::Uuid;

use crate::{Context, Source, way::Way};

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    source: &'a Source,
    job: &'a Job<CatchUp>,
    set: &'static EntitySet,
    company: Uuid,
    company_name: String,
    way: Way<'a>,
}

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<CatchUp>) -> JobResult {
    let source = context.source(&job.payload.connection)?;
    let Some(set) = EntitySet::named(&job.payload.set) else {
        let note = format!("no card for `{}` yet", job.payload.set);
        return Ok(Completion::noted(note));
    };
    let way = source.way(&context, &job.lease, job.trace.as_deref());
    let company = match source.company(way.errand()).await {
        Ok(company) => company,
        Err(error) => return Err(way.fault(error).await),
    };
    let attempt = Attempt {
        context: &context,
        source,
        job: &job,
        set,
        company: job.payload.company.unwrap_or(company.id),
        company_name: company.name.clone(),
        way,
    };
    match &job.payload.purpose {
        CatchUpPurpose::Baseline => attempt.baseline().await,
        CatchUpPurpose::Missed { since } => attempt.missed(*since).await,
    }
}

/// A faulty expression would fail for every record alike.
fn fail(error: crate::ExpressionError) -> JobError {
    JobError::fail(error)
}
