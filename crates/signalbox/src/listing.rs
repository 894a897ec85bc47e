//! Lists of jobs as people ask for them: by the queue's word, by state, by what went wrong; page by page.
//!
//! People say `read` whatever the version of the layout; Redis knows `read`, `read@2` and so on, which are listed one
//! after the other. A page costs what it looks at, and not what there is.

use std::{collections::BTreeSet, fmt, str::FromStr};

use anyhow::bail;
use signalbox_core::{
    CatchUp, CatchUpOfSet, Payload, Post, QueueName, Read, Renew, RenewOfSet, Tick,
};
use signalbox_queue::{JobCursor, JobFilter, JobState, ListedJob, Queue, QueueError};

/// Calls that one page makes at the most, so that a filter that nothing passes ends as well.
const MOST_CALLS: usize = 40;
/// Jobs looked at by one call, while few of them may pass the filter.
const PORTION: usize = 500;

/// The queues of this release.
pub const QUEUES: [QueueName; 7] = [
    CatchUp::QUEUE,
    CatchUpOfSet::QUEUE,
    Post::QUEUE,
    Read::QUEUE,
    Renew::QUEUE,
    RenewOfSet::QUEUE,
    Tick::QUEUE,
];

/// The word that people use for a queue that Redis calls `stored`.
pub fn spoken(stored: &str) -> &str {
    stored.split_once('@').map_or(stored, |(kind, _)| kind)
}

/// What Redis calls the queues that people call `word`.
pub async fn stored(queue: &Queue, word: &str) -> Result<Vec<String>, QueueError> {
    let mut names: BTreeSet<String> = QUEUES.iter().map(ToString::to_string).collect();
    names.extend(queue.depth().await?.into_keys().map(|(name, _)| name));
    Ok(names
        .into_iter()
        .filter(|name| spoken(name) == word)
        .collect())
}

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listing<'a> {
    /// Those of this queue, as people say it.
    pub queue: Option<&'a str>,
    /// Those in this state.
    pub state: Option<JobState>,
    /// Those whose reason contains this text.
    pub failed_with: Option<&'a str>,
}

/// One page.
#[derive(Debug, Default)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<ListedJob>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// Where a page begins: the list that it continues, the stored queue that it is at, and the place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    state: Option<JobState>,
    queue: Option<String>,
    place: Option<JobCursor>,
}

/// Why a text is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("it is not where a page begins; take it as the page before printed it")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.map_or("", JobState::as_str);
        let queue = self.queue.as_deref().unwrap_or_default();
        write!(f, "{state}:{queue}:")?;
        self.place.iter().try_for_each(|place| place.fmt(f))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut fields = text.splitn(3, ':');
        let mut field = || fields.next().ok_or(CursorError);
        let (state, queue, place) = (field()?, field()?, field()?);
        let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let state = given(state).map(|state| JobState::parse(&state).ok_or(CursorError));
        let place = given(place).map(|place| place.parse().map_err(|_| CursorError));
        Ok(Self {
            state: state.transpose()?,
            queue: given(queue),
            place: place.transpose()?,
        })
    }
}

impl Listing<'_> {
    /// Up to `most` jobs from `after` on. A page may be short and still not the last one.
    pub async fn page(
        &self,
        queue: &Queue,
        after: Option<&Cursor>,
        most: usize,
    ) -> anyhow::Result<Page> {
        let mut names = vec![None];
        if let Some(word) = self.queue {
            names = stored(queue, word).await?.into_iter().map(Some).collect();
        }
        let mut place = None;
        if let Some(after) = after {
            names = self.rest(names, after)?;
            place = after.place.clone();
        }
        let (mut jobs, mut calls) = (Vec::new(), 0);
        for name in names {
            loop {
                if jobs.len() >= most || calls == MOST_CALLS {
                    let next = Cursor {
                        state: self.state,
                        queue: name,
                        place,
                    };
                    return Ok(Page {
                        jobs,
                        next: Some(next),
                    });
                }
                calls += 1;
                let room = most - jobs.len();
                let (found, next) = self.portion(queue, name.as_deref(), place, room).await?;
                jobs.extend(found);
                place = next;
                if place.is_none() {
                    break;
                }
            }
        }
        Ok(Page { jobs, next: None })
    }

    /// The stored queues that are still to be listed.
    fn rest(
        &self,
        mut names: Vec<Option<String>>,
        after: &Cursor,
    ) -> anyhow::Result<Vec<Option<String>>> {
        let at = names.iter().position(|name| *name == after.queue);
        let Some(at) = at.filter(|_| after.state == self.state) else {
            bail!(
                "`{after}` continues another list; give it with the options that it was printed for"
            );
        };
        Ok(names.split_off(at))
    }

    /// Up to `room` jobs of one stored queue that pass the filter, and where to go on.
    async fn portion(
        &self,
        queue: &Queue,
        name: Option<&str>,
        place: Option<JobCursor>,
        room: usize,
    ) -> Result<(Vec<ListedJob>, Option<JobCursor>), QueueError> {
        let filter = JobFilter {
            queue: name,
            state: self.state,
        };
        let Some(text) = self.failed_with else {
            let page = queue.list_jobs(&filter, place.as_ref(), room).await?;
            return Ok((page.jobs, page.next));
        };
        let passes = |job: &ListedJob| job.reason.contains(text);
        let mut page = queue.list_jobs(&filter, place.as_ref(), PORTION).await?;
        let mut passing = page.jobs.iter().enumerate().filter(|(_, job)| passes(job));
        if let Some((last, _)) = passing.nth(room - 1) {
            // A cursor stands behind a page only, so the page is read again as long as it may be.
            page = queue.list_jobs(&filter, place.as_ref(), last + 1).await?;
        }
        page.jobs.retain(passes);
        Ok((page.jobs, page.next))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, spoken};

    #[test]
    fn a_cursor_is_read_back_as_it_was_written() {
        for text in [
            "::",
            ":read@2:",
            "dead::dead+post+3+++",
            "ready:read:ready+read+0+17+a+bc/erp/x:y",
        ] {
            let cursor: Cursor = text.parse().unwrap();
            assert_eq!(cursor.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "x", "asleep::", "dead:post", "dead:post:x"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn people_need_not_know_the_version_of_a_layout() {
        assert_eq!((spoken("read"), spoken("read@12")), ("read", "read"));
    }
}
