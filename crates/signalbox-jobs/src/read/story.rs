//! What a read tells the trail of its document.

use jiff::Timestamp;
use signalbox_core::{DocumentName, Read, Record, RouteName, Step, StepWord};
use signalbox_queue::{Enqueued, Job};

use super::{Reading, newest::TOLERANCE};
use crate::{Context, announce::field, tell};

/// The story of one document, from its record on.
pub(super) struct Story<'a> {
    context: &'a Context,
    step: Step,
}

impl<'a> Story<'a> {
    pub(super) fn begin(reading: &'a Reading<'_>, record: &Record, job: &Job<Read>) -> Self {
        let context = reading.context;
        let scope = reading.source.address(reading.company).scope();
        let document = DocumentName::new(scope, &reading.set.document_of(record));
        let step = tell::step(context, job, StepWord::Read).of(document);
        let status = match field(record, "status") {
            "" => String::new(),
            status => format!("status {status}"),
        };
        let modified = reading.set.modified_at(record);
        let told = [Some(status), passed_over(&job.payload, modified)];
        let told = told.into_iter().flatten().filter(|part| !part.is_empty());
        let told: Vec<String> = told.collect();
        context.trail.tell(step.clone().because(told.join("; ")));
        Self { context, step }
    }

    /// Whom the card of `route` mentions, or why it does not.
    pub(super) fn mentioned(&self, route: RouteName, whom: String) {
        self.tell(StepWord::Read, route, whom);
    }

    pub(super) fn not_announced(&self, route: RouteName, why: impl Into<String>) {
        self.tell(StepWord::NotAnnounced, route, why.into());
    }

    /// Of a new post that waits for nothing the post itself tells.
    pub(super) fn enqueued(&self, route: RouteName, outcome: Enqueued, group: Option<&str>) {
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

/// What the record was at the news is never seen if it changed again before it was read.
fn passed_over(read: &Read, modified: Option<Timestamp>) -> Option<String> {
    // A replay asks for the record as it is now.
    let modified = modified.filter(|_| read.replay.is_none())?;
    let news = read.changed_at;
    let same = news.saturating_add(TOLERANCE).ok()?;
    (modified > same).then(|| {
        format!("it changed again at {modified}, and what it was at {news} is passed over")
    })
}

pub(super) fn note(outcome: Enqueued) -> String {
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
