//! A sweep: the ids of a whole set, compared with those of the time before.
//!
//! Deletions leave nothing that a filter could find, and so do rows that were written without an instant of their change.
//! A sweep that does not come to the end of its listing changes nothing.

use signalbox_core::{Completion, JobResult};

use super::{
    Attempt,
    census::Census,
    reading::{Reading, Turn},
};
use crate::pace::next_sweep;

impl Attempt<'_> {
    pub(super) async fn sweep(&self) -> JobResult {
        let started = self.context.clock.now();
        let mut census = Census::begin(self).await?;
        let client = &self.source.client;
        let ids = |page_size| client.ids(self.set, self.company_key(), page_size);
        let mut reading = Reading::begin(self, ids).await?;
        loop {
            match reading.next().await? {
                Turn::Page(page) => census.take(&page),
                Turn::Anew => census.begin_anew(),
                Turn::End => break,
            }
        }
        let note = census.settle(started).await?;
        let next = next_sweep(self.context, self.source, &self.job.lease.id);
        Ok(Completion::noted(note).again_at(next))
    }
}
