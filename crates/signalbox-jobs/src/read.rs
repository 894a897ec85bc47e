//! `read`: from a signal to the posts of its record, and of others that wait for the same set.
//!
//! The posts are enqueued before the reads complete, under ids made from the records, so a crash between the two
//! repeats nothing. A record that is gone, a draft and a record that no route wants are finished jobs with a reason.
//! What becomes of one record becomes of no other.

mod announcing;
mod asking;
pub(crate) mod crowd;
mod guests;
mod joining;
mod newest;
mod story;

use std::sync::Arc;

use signalbox_core::{Completion, JobError, JobResult, Limits, Read, Record, StepWord};
use signalbox_microsoft::{CompanyKey, EntitySet};
use signalbox_queue::{Job, QueueError};
use uuid::Uuid;

use self::{asking::copy, guests::Guest, joining::Going, newest::Found};
use crate::{Context, Source, announce::Phases, fault, tell, way::Way};

/// What the reads of one attempt have in common.
struct Reading<'a> {
    context: &'a Context,
    source: &'a Source,
    set: &'a Arc<EntitySet>,
    company: Uuid,
    company_name: String,
    way: Way<'a>,
}

/// Runs one attempt, of `job` and of those that join it.
pub(crate) async fn run(context: Arc<Context>, limits: Limits, job: Job<Read>) -> JobResult {
    let job = Arc::new(job);
    let read = &job.payload;
    if read.deleted {
        return Ok(read_nothing(&context, &job, "deleted in the source"));
    }
    let source = context.source(&read.connection, read.environment.as_deref())?;
    let Some(set) = source.entities.get(&read.set) else {
        return Ok(Completion::noted(format!(
            "`{}` is no entity set of this connection",
            read.set
        )));
    };
    let way = source.way_to(
        &context,
        &job.lease,
        job.trace.as_deref(),
        (read.company, &read.set),
    );
    let reading = Reading {
        context: &context,
        source,
        set,
        company: read.company,
        company_name: source.company_name(read.company, &way).await?,
        way,
    };
    let present = source.reads.enter();
    let (joined, guests) = match reading.going(&present, &job).await? {
        Going::With { joined, guests } => (joined, guests),
        Going::Answered(found) => return reading.answered(&job, found).await,
    };
    let jobs: Vec<&Job<Read>> = std::iter::once(&*job).chain(&joined).collect();
    let mut ended = reading.read_all(&jobs, guests).await;
    let own = ended.remove(0);
    for (job, result) in joined.iter().zip(ended) {
        if let Err(error) = &result {
            tell::failure(&context, &limits, job, error).await;
        }
        job.lease.end_as(result);
    }
    own
}

fn read_nothing(context: &Context, job: &Job<Read>, why: &str) -> Completion {
    let step = tell::step(context, job, StepWord::Read);
    context.trail.tell(step.because(why));
    Completion::noted(why)
}

impl Reading<'_> {
    fn company(&self) -> CompanyKey<'_> {
        CompanyKey {
            id: self.company,
            name: &self.company_name,
        }
    }

    /// What becomes of a job whose record another one has asked for.
    async fn answered(&self, job: &Job<Read>, found: Found) -> JobResult {
        let record = match self.usable(job, found) {
            Ok(record) => record,
            Err(result) => return result,
        };
        let phases = Phases::now(self.context).await;
        let mut announced = self.announced(&[job], vec![record], phases).await;
        announced.remove(0)
    }

    /// What becomes of each job, in their order. The guests learn of their records and go on by themselves.
    async fn read_all(&self, jobs: &[&Job<Read>], guests: Vec<Guest>) -> Vec<JobResult> {
        let mut ended: Vec<Option<JobResult>> = jobs.iter().map(|job| self.unread(job)).collect();
        let wanted: Vec<usize> = (0..jobs.len())
            .filter(|place| ended[*place].is_none())
            .collect();
        let asked = wanted.iter().map(|place| jobs[*place]);
        let asked: Vec<&Job<Read>> = asked
            .chain(guests.iter().map(|guest| &*guest.job))
            .collect();
        // What the routes may do is asked of Redis while the records are asked of the source.
        let (mut found, phases) = tokio::join!(self.newest(&asked), Phases::now(self.context));
        let for_guests = found.split_off(wanted.len());
        for (guest, found) in guests.into_iter().zip(for_guests) {
            // One that was ended meanwhile has no use for it.
            drop(guest.answer.send(found));
        }
        let mut read = Vec::new();
        for (place, found) in wanted.into_iter().zip(found) {
            match self.usable(jobs[place], found) {
                Ok(record) => read.push((place, record)),
                Err(result) => ended[place] = Some(result),
            }
        }
        let (places, records): (Vec<usize>, Vec<Record>) = read.into_iter().unzip();
        let of_records: Vec<&Job<Read>> = places.iter().map(|place| jobs[*place]).collect();
        let announced = self.announced(&of_records, records, phases).await;
        for (place, result) in places.into_iter().zip(announced) {
            ended[place] = Some(result);
        }
        let ended = ended.into_iter();
        ended
            .map(|result| result.expect("a job has ended before, or its record was announced"))
            .collect()
    }

    /// News that a record is gone may have been merged into a job that waited to be read.
    fn unread(&self, job: &Job<Read>) -> Option<JobResult> {
        let deleted = job.payload.deleted;
        deleted.then(|| Ok(read_nothing(self.context, job, "deleted in the source")))
    }

    /// A record that routes can be asked about, or how its job ends without one.
    fn usable(&self, job: &Job<Read>, found: Found) -> Result<Record, JobResult> {
        let Some(record) = found.map_err(Err)? else {
            return Err(Ok(read_nothing(self.context, job, "gone")));
        };
        // A draft may have no number for as long as its author likes.
        if self.set.document_of(&record).is_empty() && !self.set.is_draft(&record) {
            return Err(Err(JobError::retry(
                "the record has no number yet; it may be half written",
            )));
        }
        Ok(record)
    }

    /// What comes of records that were read, in their order.
    async fn announced(
        &self,
        jobs: &[&Job<Read>],
        mut records: Vec<Record>,
        phases: Result<Phases, QueueError>,
    ) -> Vec<JobResult> {
        if jobs.is_empty() {
            return Vec::new();
        }
        let finished = self
            .source
            .finish(self.set, self.company(), &mut records, &self.way);
        let finished = finished.await;
        let phases = finished.and_then(|()| phases.map_err(fault::queue));
        match phases {
            Ok(phases) => self.announce(jobs, &records, &phases).await,
            Err(error) => jobs.iter().map(|_| Err(copy(&error))).collect(),
        }
    }
}
