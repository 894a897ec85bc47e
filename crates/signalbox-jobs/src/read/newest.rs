//! The records as they are now: many in one request, and from the main database where a replica lags behind.

use jiff::SignedDuration;
use signalbox_core::{JobError, Read, Record};
use signalbox_microsoft::Intent;
use signalbox_queue::Job;

use super::{Reading, asking::Asking};

/// The notification's instant is that of the row's trigger, not the row's own (facts, Business Central §2.5).
///
/// More would take an old row for the changed one when a record changes twice in a moment; less costs a second read.
pub(super) const TOLERANCE: SignedDuration = SignedDuration::from_millis(200);

/// A record, or `None` if it is gone.
pub(super) type Found = Result<Option<Record>, JobError>;

impl Reading<'_> {
    /// The records of `jobs` as they are now, in their order.
    ///
    /// Those that a replica does not show, or not with their change, are asked of the main database, again together.
    /// What is missing there too is gone.
    pub(super) async fn newest(&self, jobs: &[&Job<Read>]) -> Vec<Found> {
        let mut found = Asking::new(self, jobs, Intent::ReadOnly).run().await;
        let places = (0..jobs.len()).filter(|place| self.is_behind(&found[*place], jobs[*place]));
        let places: Vec<usize> = places.collect();
        if places.is_empty() {
            return found;
        }
        let again: Vec<&Job<Read>> = places.iter().map(|place| jobs[*place]).collect();
        let newer = Asking::new(self, &again, Intent::ReadWrite).run().await;
        for (place, newer) in places.into_iter().zip(newer) {
            found[place] = newer;
        }
        found
    }

    /// Whether a replica answered that has not seen the change yet.
    fn is_behind(&self, found: &Found, job: &Job<Read>) -> bool {
        match found {
            Ok(Some(record)) => self.set.modified_at(record).is_some_and(|modified| {
                let latest = modified.saturating_add(TOLERANCE);
                latest.is_ok_and(|latest| latest < job.payload.changed_at)
            }),
            Ok(None) => true,
            Err(_) => false,
        }
    }
}
