//! A poll: everything changed since the poll before it, whatever was notified.
//!
//! The mark advances after the jobs of all rows are durable, so an attempt that dies on the way is repeated from the
//! same mark. A set that only grows is asked for by its numbers, because no index helps to find its rows by the time of
//! their change; one that does not tell when its rows were changed is looked at whole, and the ledger knows the rest.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{Completion, JobError, JobResult, Numbers, Record, Watermark};
use signalbox_microsoft::Listing;

use super::{
    Attempt,
    haul::Haul,
    reading::{Reading, Turn},
};
use crate::pace::next_poll;

/// What one poll asks for.
struct Window {
    /// What was changed later is left to its notification and to the next poll.
    until: Timestamp,
    numbers: Option<Numbers>,
    filter: String,
}

impl Attempt<'_> {
    pub(super) async fn poll(&self, pace: Duration) -> JobResult {
        let next = |id| next_poll(self.context, id, pace);
        let mark = match self.mark().await? {
            None => self.late_mark().await?,
            known => known,
        };
        let Some(mark) = mark else {
            let waits = Completion::noted("the baseline of its first route comes before");
            return Ok(waits.again_at(next(&self.job.lease.id)));
        };
        let note = self.look_from(&mark).await?;
        Ok(Completion::noted(note).again_at(next(&self.job.lease.id)))
    }

    async fn look_from(&self, mark: &Watermark) -> Result<String, JobError> {
        let started = self.context.clock.now();
        let window = self.window(mark, started);
        // The mark names the look: it is the same for every attempt, and for no later look.
        let look = format!("{}/{}", self.job.lease.id, mark.until);
        let mut haul = Haul::begin(self, "a poll", look);
        let mut highest = i64::MIN;
        let mut reading =
            Reading::begin(self, |page_size| self.listing(&window, page_size)).await?;
        loop {
            match reading.next().await? {
                Turn::Page(mut page) => {
                    page.retain(|record| self.is_ripe(record, &window));
                    let numbers = page.iter().filter_map(|record| self.set.serial_of(record));
                    highest = numbers.fold(highest, i64::max);
                    self.finish(&mut page).await?;
                    haul.take(&page).await?;
                }
                Turn::Anew => haul.begin_anew(),
                Turn::End => break,
            }
        }
        let (note, found) = haul.end().await?;
        let overlap = self.context.scaled(self.source.polling.overlap);
        self.change_mark(|mark| {
            mark.advance(started, window.until, found);
            let advanced = |numbers: Numbers| numbers.advanced(highest, started, overlap);
            mark.numbers = mark.numbers.map(advanced);
        })
        .await?;
        // A subscription that has to be made again need not be caught up with from further back.
        self.note_caught_up(mark.until, window.until).await?;
        Ok(note)
    }

    fn window(&self, mark: &Watermark, started: Timestamp) -> Window {
        let polling = &self.source.polling;
        let until = before(started, self.context.scaled(polling.lag));
        let from = before(mark.until, self.context.scaled(polling.overlap));
        let numbers = mark.numbers.filter(|_| self.set.serial.is_some());
        let filter = match (&numbers, &self.set.serial, &self.set.modified) {
            (Some(numbers), Some(serial), _) => format!("{serial} gt {}", numbers.above),
            (_, _, Some(modified)) => format!("{modified} gt {from} and {modified} le {until}"),
            _ => String::new(),
        };
        Window {
            until,
            numbers,
            filter,
        }
    }

    fn listing(&self, window: &Window, page_size: u32) -> Listing {
        let client = &self.source.client;
        let listing = client.listing(self.set, self.company_key(), &window.filter, page_size);
        // The few rows of a window are asked of the primary copy: what a replica that lags behind does not show yet
        // would lie before the next window. A whole set is listed again and again, and the replica may answer.
        if window.filter.is_empty() {
            listing
        } else {
            listing.from_primary()
        }
    }

    /// Numbers bring the newest rows along, which are left for the next poll as they are elsewhere.
    fn is_ripe(&self, record: &Record, window: &Window) -> bool {
        let modified = self.set.modified_at(record);
        window.numbers.is_none() || modified.is_none_or(|modified| modified <= window.until)
    }
}

/// To the millisecond, as the source writes instants.
fn before(instant: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    let instant = instant.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH);
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}
