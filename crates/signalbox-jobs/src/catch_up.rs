//! `catch_up`: a look at a whole set, for what was missed or for the baseline of new routes.
//!
//! A baseline enters what exists as known, and only then may its routes announce. A catch-up that finds more to
//! announce than the flood limit holds it as a group, because that is a rebuild more often than it is news.

mod baseline;
mod missed;

use std::sync::Arc;

use signalbox_core::{CatchUp, CatchUpPurpose, Completion, JobError, JobResult};
use signalbox_microsoft::{EntitySet, Errand};
use signalbox_queue::Job;
use uuid::Uuid;

use crate::{Context, Source, fault};

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    source: &'a Source,
    job: &'a Job<CatchUp>,
    set: &'static EntitySet,
    company: Uuid,
    company_name: String,
}

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<CatchUp>) -> JobResult {
    let source = context.source(&job.payload.connection)?;
    let Some(set) = EntitySet::named(&job.payload.set) else {
        let note = format!("no card for `{}` yet", job.payload.set);
        return Ok(Completion::noted(note));
    };
    let deadline = || job.lease.until();
    let errand = Errand {
        trace: job.trace.as_deref(),
        not_after: Some(&deadline),
    };
    let company = source.company(errand).await;
    let company = company.map_err(|error| fault::upstream(&context, error))?;
    let attempt = Attempt {
        context: &context,
        source,
        job: &job,
        set,
        company: job.payload.company.unwrap_or(company.id),
        company_name: company.name.clone(),
    };
    match &job.payload.purpose {
        CatchUpPurpose::Baseline => attempt.baseline(errand).await,
        CatchUpPurpose::Missed { since } => attempt.missed(*since, errand).await,
    }
}

/// A faulty expression would fail for every record alike.
fn fail(error: crate::ExpressionError) -> JobError {
    JobError::fail(error)
}
