//! Asking for records together, without one of them failing the others.
//!
//! A request that takes the service too long, or that it refuses, is halved until it is known whose doing that is. A
//! fault that is nobody's alone is that of every record that is still to be asked for.

use std::ops::Range;

use signalbox_core::{Decision, JobError, Read};
use signalbox_microsoft::{AskedFor, Defect, Error, Intent, Outage, RecordKey, RecordKeys};
use signalbox_queue::Job;

use super::{Reading, newest::Found};

/// When so many records fail that are asked for alone, it is not their doing, and the rest is left for later.
const FAILED_ALONE: usize = 2;

/// Records that are being asked for.
pub(super) struct Asking<'a> {
    reading: &'a Reading<'a>,
    jobs: &'a [&'a Job<Read>],
    intent: Intent,
    found: Vec<Option<Found>>,
    /// What is still to be asked for; the last part first.
    left: Vec<Range<usize>>,
    failed_alone: usize,
}

impl<'a> Asking<'a> {
    pub(super) fn new(reading: &'a Reading<'a>, jobs: &'a [&'a Job<Read>], intent: Intent) -> Self {
        let most = jobs.first();
        let most = most.map_or(1, |job| reading.most_together(&job.payload.record));
        let starts = (0..jobs.len()).step_by(most).rev();
        Self {
            reading,
            jobs,
            intent,
            found: jobs.iter().map(|_| None).collect(),
            left: starts
                .map(|start| start..jobs.len().min(start + most))
                .collect(),
            failed_alone: 0,
        }
    }

    /// Asks until it is known of every record what became of it.
    pub(super) async fn run(mut self) -> Vec<Found> {
        while let Some(part) = self.left.pop() {
            match self.request(&self.jobs[part.clone()]).await {
                Ok(asked) => {
                    self.reading.source.reads.went_well(part.len());
                    self.take(part, asked).await;
                }
                Err(error) => self.failed(part, error).await,
            }
        }
        let known = self.found.into_iter().flatten();
        known.collect()
    }

    async fn request(&self, jobs: &[&Job<Read>]) -> Result<Vec<AskedFor>, Error> {
        let Reading {
            source, set, way, ..
        } = self.reading;
        let company = self.reading.company();
        if let [job] = jobs {
            let key = RecordKey {
                company,
                key: &job.payload.record,
            };
            let record = source.client.record(set, key, self.intent, way.errand());
            return Ok(vec![Ok(record.await?)]);
        }
        let keys: Vec<&str> = jobs.iter().map(|job| &*job.payload.record).collect();
        let keys = RecordKeys {
            company,
            keys: &keys,
        };
        let records = source.client.records(set, keys, self.intent, way.errand());
        records.await
    }

    /// Each record of a part has an answer of its own.
    async fn take(&mut self, part: Range<usize>, asked: Vec<AskedFor>) {
        let mut met: Option<(Option<u16>, JobError)> = None;
        for (place, asked) in part.zip(asked) {
            let found = match (asked, &met) {
                (Ok(record), _) => Ok(record),
                // Its lane knows of it already.
                (Err(error), Some((status, known))) if *status == error.status() => {
                    Err(copy(known))
                }
                (Err(error), _) => {
                    let status = error.status();
                    let error = self.reading.way.fault(error).await;
                    if !matches!(error.decision(), Decision::Retry | Decision::Fail) {
                        met = Some((status, copy(&error)));
                    }
                    Err(error)
                }
            };
            self.found[place] = Some(found);
        }
    }

    async fn failed(&mut self, part: Range<usize>, error: Error) {
        let jobs = &self.jobs[part.clone()];
        let may_be_of_one = may_be_of_one(&error, jobs);
        if may_be_of_one && part.len() > 1 {
            if was_too_much(&error) {
                self.reading.source.reads.was_too_much(part.len());
            }
            let middle = part.start + part.len() / 2;
            self.left.extend([middle..part.end, part.start..middle]);
            return;
        }
        let error = self.reading.way.fault(error).await;
        self.failed_alone += 1;
        let rest = if may_be_of_one && self.failed_alone < FAILED_ALONE {
            Vec::new()
        } else {
            std::mem::take(&mut self.left)
        };
        for place in rest.into_iter().flatten() {
            let error = if may_be_of_one {
                JobError::transient("others that were asked for together with it failed")
            } else {
                copy(&error)
            };
            self.found[place] = Some(Err(error));
        }
        for place in part {
            self.found[place] = Some(Err(copy(&error)));
        }
    }
}

/// Whether a failed request may be the doing of one of its records.
///
/// What passes by itself is waited for first, because a service in trouble is not helped by more requests.
fn may_be_of_one(error: &Error, jobs: &[&Job<Read>]) -> bool {
    let failed_before = || jobs.iter().any(|job| job.attempt > 1);
    match error {
        Error::Rejected { .. } => !error.is_connection_fault(),
        Error::Conflict { .. } => failed_before(),
        _ => was_too_much(error) || (error.outage() == Some(Outage::Particular) && failed_before()),
    }
}

/// Whether less would have been answered.
fn was_too_much(error: &Error) -> bool {
    let is_too_long = match error {
        Error::Garbled { source, .. } => matches!(source, Defect::TooLong(_)),
        _ => false,
    };
    is_too_long || error.asks_to_split()
}

/// The same for another job.
pub(super) fn copy(error: &JobError) -> JobError {
    JobError::new(error.decision().clone(), error.chain())
}
