//! `read`: from a signal to the posts of its record.
//!
//! The posts are enqueued before the read completes, under ids made from the record, so a crash between the two
//! repeats nothing. A record that is gone, a draft and a record that no route wants are finished jobs with a reason.

use std::sync::Arc;

use jiff::SignedDuration;
use signalbox_core::{
    Completion, DocumentName, JobError, JobResult, Read, Record, RouteName, Step, StepWord,
    document_scope,
};
use signalbox_microsoft::{CompanyKey, EntitySet, Intent, RecordKey};
use signalbox_queue::{Enqueued, Job};

use crate::{
    Context, Source,
    announce::{self, Phases, field},
    fault, tell,
    way::Way,
};

/// The notification's instant is that of the row's trigger, not the row's own (facts, Business Central §2.5).
///
/// More would take an old row for the changed one when a record changes twice in a moment; less costs a second read.
const TOLERANCE: SignedDuration = SignedDuration::from_millis(200);

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<Read>) -> JobResult {
    let read = &job.payload;
    if read.deleted {
        return Ok(read_nothing(&context, &job, "deleted in the source"));
    }
    let source = context.source(&read.connection, read.environment.as_deref())?;
    let Some(set) = source.entities.get(&read.set) else {
        return Ok(Completion::noted(format!("no card for `{}` yet", read.set)));
    };
    let way = source.way(&context, &job.lease, job.trace.as_deref());
    let name = source.company_name(read.company, &way).await?;
    let company = CompanyKey {
        id: read.company,
        name: &name,
    };
    // What the routes may do is asked of Redis while the record is asked of the source.
    let newest = newest(&way, source, set, company, &job);
    let (record, phases) = tokio::join!(newest, Phases::now(&context));
    let Some(mut record) = record? else {
        return Ok(read_nothing(&context, &job, "gone"));
    };
    // A draft may have no number for as long as its author likes.
    if set.document_of(&record).is_empty() && !set.is_draft(&record) {
        return Err(JobError::retry(
            "the record has no number yet; it may be half written",
        ));
    }
    let records = std::slice::from_mut(&mut record);
    source.finish(set, company, records, &way).await?;
    let phases = phases.map_err(fault::queue)?;
    announce_all(&context, source, set, &phases, &record, &job).await
}

fn read_nothing(context: &Context, job: &Job<Read>, why: &str) -> Completion {
    let step = tell::step(context, job, StepWord::Read);
    context.trail.tell(step.because(why));
    Completion::noted(why)
}

/// The record as it is now; `None` if it is gone.
///
/// Reads are answered by a replica that may lag behind, so one that misses the change is asked of the main database.
async fn newest(
    way: &Way<'_>,
    source: &Source,
    set: &EntitySet,
    company: CompanyKey<'_>,
    job: &Job<Read>,
) -> Result<Option<Record>, JobError> {
    let key = RecordKey {
        company,
        key: &job.payload.record,
    };
    let read = async |intent| match source.client.record(set, key, intent, way.errand()).await {
        Ok(record) => Ok(record),
        Err(error) => Err(way.fault(error).await),
    };
    match read(Intent::ReadOnly).await? {
        Some(record) if !is_stale(set, &record, job) => Ok(Some(record)),
        _ => read(Intent::ReadWrite).await,
    }
}

fn is_stale(set: &EntitySet, record: &Record, job: &Job<Read>) -> bool {
    let changed = job.payload.changed_at;
    set.modified_at(record).is_some_and(|modified| {
        modified
            .saturating_add(TOLERANCE)
            .is_ok_and(|at| at < changed)
    })
}

async fn announce_all(
    context: &Context,
    source: &Source,
    set: &EntitySet,
    phases: &Phases,
    record: &Record,
    job: &Job<Read>,
) -> JobResult {
    let read = &job.payload;
    let story = Story::begin(context, source, set, record, job);
    let mut notes = Vec::new();
    let mut posts = Vec::new();
    let mut wanted = Vec::new();
    let mut held = Vec::new();
    let scope = source.address(read.company).scope();
    let replay = read.replay.as_ref();
    let only = replay.and_then(|replay| replay.route.as_ref());
    let listening = context.routes.listening(&read.connection, &read.set);
    for route in listening.filter(|route| only.is_none_or(|only| *only == route.name)) {
        let asked = announce::ask(context, source, read.company, route, record);
        match asked.map_err(JobError::fail)? {
            Err(silence) => {
                story.not_announced(route.name.clone(), silence.as_str());
                notes.push(silence.as_str().to_owned());
            }
            Ok(mut announcement) => {
                if let Some(replay) = replay {
                    announcement = announcement.replayed(replay);
                }
                let group = phases.group(route, &scope);
                held.push(group.clone());
                wanted.push(route.name.clone());
                posts.push(announcement.job(job.trace.clone(), group)?);
            }
        }
    }
    let outcomes = context
        .queue
        .enqueue_all(posts)
        .await
        .map_err(fault::queue)?;
    let waiting = wanted.iter().zip(&held);
    release_if_active_meanwhile(context, &scope, waiting).await?;
    for ((route, outcome), group) in wanted.into_iter().zip(&outcomes).zip(&held) {
        story.enqueued(route, *outcome, group.as_deref());
    }
    notes.extend(outcomes.into_iter().map(note));
    notes.sort_unstable();
    notes.dedup();
    Ok(Completion::noted(notes.join(", ")))
}

/// What a read tells of its document.
struct Story<'a> {
    context: &'a Context,
    step: Step,
}

impl<'a> Story<'a> {
    fn begin(
        context: &'a Context,
        source: &Source,
        set: &EntitySet,
        record: &Record,
        job: &Job<Read>,
    ) -> Self {
        let scope = document_scope(&source.environment, job.payload.company);
        let document = DocumentName::new(scope, &set.document_of(record));
        let step = tell::step(context, job, StepWord::Read).of(document);
        let status = format!("status {}", field(record, "status"));
        context.trail.tell(step.clone().because(status));
        Self { context, step }
    }

    fn not_announced(&self, route: RouteName, why: impl Into<String>) {
        self.tell(StepWord::NotAnnounced, route, why.into());
    }

    /// Of a new post that waits for nothing the post itself tells.
    fn enqueued(&self, route: RouteName, outcome: Enqueued, group: Option<&str>) {
        match (outcome, group) {
            (Enqueued::New, Some(group)) => {
                let why = format!("its post waits with `{group}`");
                self.tell(StepWord::Held, route, why);
            }
            (Enqueued::New, None) => {}
            (known, _) => self.not_announced(route, note(known)),
        }
    }

    fn tell(&self, word: StepWord, route: RouteName, why: String) {
        let mut step = self.step.clone().on(route).because(why);
        step.word = word;
        step.at = self.context.clock.now();
        self.context.trail.tell(step);
    }
}

/// A route may become active between the question and the enqueue; then nobody else releases what came too late.
async fn release_if_active_meanwhile(
    context: &Context,
    scope: &str,
    waiting: impl Iterator<Item = (&RouteName, &Option<String>)>,
) -> Result<(), JobError> {
    let held = waiting.filter_map(|(name, group)| Some((name, group.as_ref()?)));
    let held: Vec<_> = held.collect();
    if held.is_empty() {
        return Ok(());
    }
    let phases = Phases::now(context).await.map_err(fault::queue)?;
    for (name, group) in held {
        let Some(route) = context.routes.get(name) else {
            continue;
        };
        if phases.group(route, scope).is_none() {
            context
                .queue
                .release_group(group)
                .await
                .map_err(fault::queue)?;
        }
    }
    Ok(())
}

fn note(outcome: Enqueued) -> String {
    match outcome {
        Enqueued::New => "a post was enqueued".to_owned(),
        Enqueued::Known { baseline: true } => "known before the route began".to_owned(),
        Enqueued::Known { baseline: false } => "already announced".to_owned(),
        Enqueued::Absorbed(state) | Enqueued::Merged(state) => {
            format!("its post is {}", state.as_str())
        }
        Enqueued::Pending => "its post is running".to_owned(),
    }
}
