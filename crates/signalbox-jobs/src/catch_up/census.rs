//! What is in a set now, against what was in it the last time it was counted.
//!
//! What is missing was deleted, and the trail is told. What is new although it says that it is old was never within
//! the window of a poll, and is read. Nothing is done before the listing has come to its end, and ids are replaced after
//! everything that follows from them.

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    CatchUp, CatchUpPurpose, DocumentName, JobError, JobId, Read, Record, RecordAddress, Step,
    StepWord, WATERMARKS, Watermark,
};
use signalbox_queue::{NewJob, Register};

use super::{
    Attempt,
    known::{KNOWN_IDS, Key, PORTIONS, Portion},
};
use crate::{Context, fault};

/// What a listing of a whole set has shown so far.
pub(super) struct Census<'a> {
    attempt: &'a Attempt<'a>,
    /// When the set was counted last.
    before: Option<Timestamp>,
    /// The last listing lacked so much that it was not believed.
    doubted: bool,
    portions: Vec<Portion>,
    /// Records that a poll could not have seen if they are new.
    silent: Vec<Key>,
}

/// What a listing shows when it is compared with what was known.
#[derive(Default)]
struct Difference {
    known: usize,
    gone: Vec<(Key, Box<str>)>,
    unseen: Vec<Key>,
}

/// Forgets the ids of a set that nobody needs any more; the next sweep, if there ever is one, counts anew.
pub(super) async fn forget(context: &Context, look: &CatchUp) -> Result<(), JobError> {
    let key = Watermark::key(&look.company, &look.set);
    let register = context.queue.register(WATERMARKS);
    let uncounted = register.update(&key, |old: Option<Watermark>| {
        let counted_at = None;
        old.map(|mark| Watermark { counted_at, ..mark })
    });
    uncounted.await.map_err(fault::queue)?;
    let register = context.queue.register(KNOWN_IDS);
    for number in 0..PORTIONS {
        let name = format!("{key}/{number}");
        let forgotten = register.update(&name, |_: Option<Portion>| None);
        forgotten.await.map_err(fault::queue)?;
    }
    Ok(())
}

impl<'a> Census<'a> {
    pub(super) async fn begin(attempt: &'a Attempt<'a>) -> Result<Self, JobError> {
        let mark = attempt.mark().await?;
        Ok(Self {
            attempt,
            before: mark.as_ref().and_then(|mark| mark.counted_at),
            doubted: mark.is_some_and(|mark| mark.doubted),
            portions: vec![Portion::default(); usize::from(PORTIONS)],
            silent: Vec::new(),
        })
    }

    /// Counts the records of a page.
    pub(super) fn take(&mut self, page: &[Record]) {
        let set = self.attempt.set;
        for record in page {
            let key = set.key_of(record);
            if key.is_empty() {
                continue;
            }
            let key = Key::new(&key);
            if self
                .before
                .is_some_and(|before| self.is_silent(record, before))
            {
                self.silent.push(key.clone());
            }
            let portion = usize::from(key.portion());
            let document = set.document_of(record).into();
            self.portions[portion].0.insert(key, document);
        }
    }

    /// The listing began anew.
    pub(super) fn begin_anew(&mut self) {
        self.portions.fill(Portion::default());
        self.silent.clear();
    }

    /// Whether a record that is new since `before` was changed outside of every window since then, as it says.
    fn is_silent(&self, record: &Record, before: Timestamp) -> bool {
        let Attempt {
            context, source, ..
        } = self.attempt;
        let set = self.attempt.set;
        let overlap = SignedDuration::try_from(context.scaled(source.polling.overlap));
        let first = overlap.ok().and_then(|span| before.checked_sub(span).ok());
        // A set without instants is looked at whole by every poll.
        set.modified.is_some()
            && set
                .modified_at(record)
                .is_none_or(|modified| Some(modified) < first)
    }

    /// After a listing that began at `started`: tells what is gone and has read what was never seen.
    pub(super) async fn settle(self, started: Timestamp) -> Result<String, JobError> {
        let difference = self.difference().await?;
        if self.is_hard_to_believe(&difference) {
            return self.doubt(&difference).await;
        }
        self.read(&difference.unseen, started).await?;
        self.replace(&difference, started).await
    }

    /// The same after a look at every record, which has seen what was new.
    pub(super) async fn settle_after_a_look(self, started: Timestamp) -> Result<String, JobError> {
        let difference = self.difference().await?;
        if self.is_hard_to_believe(&difference) {
            return self.doubt(&difference).await;
        }
        self.replace(&difference, started).await
    }

    async fn difference(&self) -> Result<Difference, JobError> {
        let mut difference = Difference::default();
        if self.before.is_none() {
            return Ok(difference);
        }
        let mut all_known = Vec::with_capacity(self.portions.len());
        for (number, present) in self.portions.iter().enumerate() {
            let known = self.known(number).await?;
            difference.known += known.0.len();
            let gone = known
                .0
                .iter()
                .filter(|(key, _)| !present.0.contains_key(key));
            let gone = gone.map(|(key, document)| (key.clone(), document.clone()));
            difference.gone.extend(gone);
            all_known.push(known);
        }
        let unseen = self.silent.iter().filter(|key| {
            let known = all_known.get(usize::from(key.portion()));
            known.is_some_and(|known| !known.0.contains_key(key))
        });
        difference.unseen = unseen.cloned().collect();
        Ok(difference)
    }

    /// Without permission a company answers an empty listing (facts, Business Central §1.3): that shall not look as if
    /// everything had been deleted. What two listings in a row show is believed.
    fn is_hard_to_believe(&self, difference: &Difference) -> bool {
        let gone = difference.gone.len();
        let limit = self.attempt.context.settings.flood_limit;
        gone > limit && gone * 2 > difference.known && !self.doubted
    }

    async fn doubt(&self, difference: &Difference) -> Result<String, JobError> {
        let note = format!(
            "{} of {} known records are missing, and that is not believed yet: see whether the application may still \
             read `{}` of `{}`; if the next sweep finds the same, they count as deleted",
            difference.gone.len(),
            difference.known,
            self.attempt.set.name,
            self.attempt.company_name
        );
        tracing::error!(note, "a sweep found less than is likely");
        self.attempt.change_mark(|mark| mark.doubted = true).await?;
        Ok(note)
    }

    /// Has `unseen` read; if it is a flood, the whole set is looked at instead, and what that finds is held.
    async fn read(&self, unseen: &[Key], started: Timestamp) -> Result<(), JobError> {
        let attempt = self.attempt;
        let jobs: Result<Vec<NewJob>, JobError> =
            if unseen.len() > attempt.context.settings.flood_limit {
                self.look(started).map(|job| vec![job])
            } else {
                unseen.iter().map(|key| self.read_of(key)).collect()
            };
        let enqueued = attempt.context.queue.enqueue_all(jobs?).await;
        enqueued.map(drop).map_err(fault::queue)
    }

    fn look(&self, started: Timestamp) -> Result<NewJob, JobError> {
        let attempt = self.attempt;
        let payload = &attempt.job.payload;
        let before = self.before.unwrap_or(started);
        let id = JobId::catch_up(&payload.company, &payload.set, &format!("swept-{before}"));
        let look = CatchUp {
            purpose: CatchUpPurpose::Missed { since: None },
            ..payload.clone()
        };
        let lanes = attempt.source.lanes_of(attempt.company(), &payload.set);
        let trace = attempt.job.trace.clone();
        NewJob::new(id, lanes, look, trace).map_err(JobError::fail)
    }

    fn read_of(&self, key: &Key) -> Result<NewJob, JobError> {
        let attempt = self.attempt;
        let payload = &attempt.job.payload;
        let record = key.to_string();
        let company = &payload.company;
        let id = JobId::business_central(
            &company.connection,
            &company.environment,
            company.company,
            &payload.set,
            &record,
        );
        let read = Read {
            connection: company.connection.clone(),
            environment: Some(company.environment.clone()),
            company: company.company,
            set: payload.set.clone(),
            record,
            // Whatever else is known of it is newer.
            changed_at: Timestamp::UNIX_EPOCH,
            deleted: false,
            replay: None,
        };
        let lanes = attempt.source.lanes_of(attempt.company(), &payload.set);
        let trace = attempt.job.trace.clone();
        let batch = read.batch();
        let job = NewJob::new(id, lanes, read, trace).map_err(JobError::fail)?;
        Ok(job.keep_last(Timestamp::UNIX_EPOCH).batched_with(batch))
    }

    /// What is there now is what was known the next time.
    async fn replace(
        &self,
        difference: &Difference,
        started: Timestamp,
    ) -> Result<String, JobError> {
        for (key, document) in &difference.gone {
            self.tell(key, document);
        }
        let register = self.register();
        for (number, portion) in self.portions.iter().enumerate() {
            let present = (!portion.0.is_empty()).then_some(portion);
            let name = self.name(number);
            let replaced = register.update(&name, |_: Option<Portion>| present.cloned());
            replaced.await.map_err(fault::queue)?;
        }
        let counted = |mark: &mut Watermark| {
            mark.counted_at = Some(started);
            mark.doubted = false;
            (mark.failures, mark.problem) = (0, None);
        };
        self.attempt.change_mark(counted).await?;
        let count: usize = self.portions.iter().map(|portion| portion.0.len()).sum();
        Ok(format!(
            "{count} records are there, {} are gone, {} were never seen",
            difference.gone.len(),
            difference.unseen.len()
        ))
    }

    fn tell(&self, key: &Key, document: &str) {
        let attempt = self.attempt;
        let company = &attempt.job.payload.company;
        let now = attempt.context.clock.now();
        let step = Step::new(now, StepWord::Read, attempt.job.lease.id.clone())
            .of(DocumentName::new(attempt.scope(), document))
            .found_at(RecordAddress {
                connection: company.connection.clone(),
                environment: Some(company.environment.clone()),
                company: company.company,
                set: attempt.job.payload.set.clone(),
                record: key.to_string(),
            })
            .because("deleted in the source, found by the sweep");
        attempt.context.trail.tell(step);
    }

    async fn known(&self, number: usize) -> Result<Portion, JobError> {
        let known = self.register().get(&self.name(number)).await;
        Ok(known.map_err(fault::queue)?.unwrap_or_default())
    }

    fn register(&self) -> Register {
        self.attempt.context.queue.register(KNOWN_IDS)
    }

    fn name(&self, number: usize) -> String {
        format!("{}/{number}", self.attempt.mark_key())
    }
}
