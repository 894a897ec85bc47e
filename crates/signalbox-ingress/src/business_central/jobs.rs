//! From genuine notifications to jobs. One notification is one job; repeated ones have the same id.

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, CatchUpPurpose, JobId, Read, RecordAddress, Resource, Step, StepWord, set_lanes,
};
use signalbox_queue::NewJob;
use tracing::Span;

use super::{Known, notification::Notification};
use crate::IngressOptions;

/// The jobs of one POST.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) jobs: Vec<NewJob>,
    /// What is told of them once they are durable.
    pub(crate) steps: Vec<Step>,
    /// Notifications that name nothing that can be read.
    pub(crate) unreadable: usize,
}

/// The jobs of `notifications`.
pub(crate) fn of(
    options: &IngressOptions,
    known: &Known<'_>,
    notifications: &[Notification],
) -> Batch {
    let mut batch = Batch::default();
    let trace = traceparent();
    for notification in notifications {
        match job(options, known, notification, trace.as_ref()) {
            Some((job, step)) => {
                batch.jobs.push(job);
                batch.steps.push(step);
            }
            None => batch.unreadable += 1,
        }
    }
    batch
}

/// Looks at everything that this subscription may have missed: one now, and one when the configured time is over.
///
/// There is at most one look in that time. The second one is for what comes after the first has ended.
pub(crate) fn catch_up(options: &IngressOptions, known: &Known<'_>) -> Vec<NewJob> {
    let spacing = i64::try_from(options.catch_up_spacing.as_millis()).unwrap_or(i64::MAX);
    let present = options.clock.now().as_millisecond() / spacing.max(1);
    let since = Some(known.subscription.caught_up_at);
    let look = |slot: i64| missed(known, since, &format!("fault-{slot}"), traceparent());
    let next = present + 1;
    let due = Timestamp::from_millisecond(next.saturating_mul(spacing)).ok();
    let later = look(next).zip(due).map(|(job, due)| job.due(due));
    look(present).into_iter().chain(later).collect()
}

fn job(
    options: &IngressOptions,
    known: &Known<'_>,
    notification: &Notification,
    trace: Option<&String>,
) -> Option<(NewJob, Step)> {
    let resource = Resource::parse(notification.resource.as_deref()?).ok()?;
    let Some(record) = resource.key.clone() else {
        let since = resource.changed_since();
        let window = since.unwrap_or_else(|| changed_at(options, notification));
        let window = format!("collection-{window}");
        let job = missed(known, since, &window, trace.cloned())?;
        let step = Step::new(options.clock.now(), StepWord::Signal, job.id().clone());
        return Some((job, step.because("a collection changed")));
    };
    let changed_at = changed_at(options, notification);
    let id = JobId::business_central(
        &known.subscription.connection,
        known.environment,
        resource.company,
        &resource.set,
        &record,
    );
    let read = Read {
        connection: known.subscription.connection.clone(),
        environment: Some(known.environment.to_owned()),
        company: resource.company,
        set: resource.set,
        record,
        changed_at,
        deleted: notification.change_type.as_deref() == Some("deleted"),
        replay: None,
    };
    let lanes = set_lanes(known.lanes, read.company, &read.set);
    let step = signal(options, &id, &read, notification);
    let batch = (!read.deleted).then(|| read.batch());
    let job = NewJob::new(id, lanes, read, trace.cloned()).ok()?;
    let job = job.keep_last(changed_at);
    // What is gone is not read at all.
    let job = match batch {
        Some(batch) => job.batched_with(batch),
        None => job,
    };
    Some((job, step))
}

/// The first step of a story. It names the record, because nobody knows the document yet.
fn signal(options: &IngressOptions, id: &JobId, read: &Read, notification: &Notification) -> Step {
    let what = notification.change_type.as_deref().unwrap_or("changed");
    Step::new(options.clock.now(), StepWord::Signal, id.clone())
        .found_at(RecordAddress {
            connection: read.connection.clone(),
            environment: read.environment.clone(),
            company: read.company,
            set: read.set.clone(),
            record: read.record.clone(),
        })
        .because(format!("{what} at {}", read.changed_at))
}

fn changed_at(options: &IngressOptions, notification: &Notification) -> Timestamp {
    notification
        .changed_at()
        .unwrap_or_else(|| options.clock.now())
}

fn missed(
    known: &Known<'_>,
    since: Option<Timestamp>,
    window: &str,
    trace: Option<String>,
) -> Option<NewJob> {
    let subscription = &known.subscription;
    let id = JobId::catch_up(&known.company(), &subscription.set, window);
    let catch_up = CatchUp {
        company: known.company(),
        set: subscription.set.clone(),
        purpose: CatchUpPurpose::Missed { since },
    };
    let lanes = set_lanes(known.lanes, subscription.company, &subscription.set);
    NewJob::new(id, lanes, catch_up, trace).ok()
}

/// What the jobs of this request hang on.
fn traceparent() -> Option<String> {
    signalbox_trace::traceparent_of(&Span::current())
}
