//! Jobs by state and queue, page by page.
//!
//! Whoever follows the cursors sees each job that stays in its state once, whatever is added or removed meanwhile.
//! A page costs what it looks at, and not what there is; only the names of the lanes with ready jobs, of the held
//! groups, or of the running jobs are read once per page. A page may be short, even empty, and still not the last.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::Timestamp;
use signalbox_core::JobId;

use crate::{JobState, Queue, QueueError, ledger::instant, scripts};

/// Index entries that one page looks at, at the most, while it passes over jobs of other queues.
const MOST_LOOKED_AT: usize = 2000;
/// Fields of one job in the script's answer.
const FIELDS: usize = 9;
/// All states, in the order in which they are listed: first what waits, last what is over.
const STATES: [JobState; 7] = [
    JobState::Ready,
    JobState::Scheduled,
    JobState::Running,
    JobState::Held,
    JobState::Dead,
    JobState::Cancelled,
    JobState::Done,
];

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter<'a> {
    /// Those of this queue; of every queue if `None`.
    pub queue: Option<&'a str>,
    /// Those in this state; in every state if `None`.
    pub state: Option<JobState>,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    /// Its id.
    pub id: JobId,
    /// Its state.
    pub state: JobState,
    /// Its queue.
    pub queue: String,
    /// Its lane.
    pub lane: String,
    /// Attempts so far.
    pub attempt: u32,
    /// When it was enqueued, or began anew.
    pub enqueued: Option<Timestamp>,
    /// When it runs again, if it waits for an instant.
    pub due: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// The group that it is held with.
    pub group: Option<String>,
    /// Why it is dead, held, waiting, or done without an effect.
    pub reason: String,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<ListedJob>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<JobCursor>,
}

/// Jobs that are listed by one script: one state and partition, and one queue where the index is by queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    state: JobState,
    queue: String,
    partition: u16,
}

impl Section {
    pub(crate) fn new(state: JobState, queue: &str, partition: u16) -> Self {
        Self {
            state,
            queue: queue.to_owned(),
            partition,
        }
    }
}

/// A place within a section: after the job with this ref and score, in this line or group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    part: String,
    score: String,
    reference: String,
}

/// Where a page begins. Its text is for the next call, not for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCursor {
    section: Section,
    place: Place,
}

/// Why a text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not where a page begins; take it as the page before printed it, with the same filter"
)]
pub struct CursorError {
    text: String,
}

impl fmt::Display for JobCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Section {
            state,
            queue,
            partition,
        } = &self.section;
        let Place {
            part,
            score,
            reference,
        } = &self.place;
        // A `+` of a name would be taken for a separator; refs have none.
        let part = part.replace('%', "%25").replace('+', "%2B");
        let state = state.as_str();
        write!(f, "{state}+{queue}+{partition}+{score}+{part}+{reference}")
    }
}

impl FromStr for JobCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let wrong = || CursorError {
            text: text.to_owned(),
        };
        let fields: Vec<&str> = text.splitn(6, '+').collect();
        let [state, queue, partition, score, part, reference] = fields[..] else {
            return Err(wrong());
        };
        let state = JobState::parse(state).ok_or_else(wrong)?;
        let partition = partition.parse().map_err(|_| wrong())?;
        if !score.is_empty() && score.parse::<f64>().is_err() {
            return Err(wrong());
        }
        Ok(Self {
            section: Section::new(state, queue, partition),
            place: Place {
                part: part.replace("%2B", "+").replace("%25", "%"),
                score: score.to_owned(),
                reference: reference.to_owned(),
            },
        })
    }
}

impl Queue {
    /// The jobs that `filter` means, up to `most`, from `after` on.
    ///
    /// A cursor of another filter is answered with an empty last page.
    pub async fn list_jobs(
        &self,
        filter: &JobFilter<'_>,
        after: Option<&JobCursor>,
        most: usize,
    ) -> Result<JobPage, QueueError> {
        let sections = self.sections(filter).await?;
        let mut place = after.map_or_else(Place::default, |cursor| cursor.place.clone());
        let mut jobs = Vec::new();
        let begin = |section: &&Section| after.is_some_and(|cursor| cursor.section != **section);
        for section in sections.iter().skip_while(begin) {
            if jobs.len() >= most {
                let next = Some(JobCursor {
                    section: section.clone(),
                    place,
                });
                return Ok(JobPage { jobs, next });
            }
            let (found, more) = self.page(section, &place, most - jobs.len()).await?;
            jobs.extend(found);
            if let Some(place) = more {
                let next = Some(JobCursor {
                    section: section.clone(),
                    place,
                });
                return Ok(JobPage { jobs, next });
            }
            place = Place::default();
        }
        Ok(JobPage { jobs, next: None })
    }

    async fn sections(&self, filter: &JobFilter<'_>) -> Result<Vec<Section>, QueueError> {
        let queues = self.queues(filter.queue).await?;
        let mut sections = Vec::new();
        for state in STATES {
            if filter.state.is_some_and(|wanted| wanted != state) {
                continue;
            }
            let by_queue = matches!(state, JobState::Ready | JobState::Dead);
            let all = [filter.queue.unwrap_or_default().to_owned()];
            for queue in if by_queue { &queues[..] } else { &all[..] } {
                let partitions = self.inner.partitions.iter();
                sections.extend(partitions.map(|one| Section::new(state, queue, one.number)));
            }
        }
        Ok(sections)
    }

    /// The queue that is asked for, or all that ever had a job.
    pub(crate) async fn queues(&self, wanted: Option<&str>) -> Result<Vec<String>, QueueError> {
        if let Some(wanted) = wanted {
            return Ok(vec![wanted.to_owned()]);
        }
        let depth = self.depth().await?;
        let names: BTreeSet<String> = depth.into_keys().map(|(queue, _)| queue).collect();
        Ok(names.into_iter().collect())
    }

    /// Up to `most` jobs of a section after `place`, and where to go on if there may be more.
    pub(crate) async fn page(
        &self,
        section: &Section,
        place: &Place,
        most: usize,
    ) -> Result<(Vec<ListedJob>, Option<Place>), QueueError> {
        let Some(partition) = self.inner.partitions.get(usize::from(section.partition)) else {
            return Ok((Vec::new(), None));
        };
        let mut call = partition.call(&scripts::LIST_JOBS);
        call.arg(section.state.as_str())
            .arg(&section.queue)
            .arg(most)
            .arg(MOST_LOOKED_AT)
            .arg(&place.part)
            .arg(&place.score)
            .arg(&place.reference);
        let texts: Vec<String> = partition.invoke(&call).await?;
        let Some(([more, part, score, reference], rows)) = texts.split_first_chunk::<4>() else {
            return Ok((Vec::new(), None));
        };
        let (rows, _) = rows.as_chunks::<FIELDS>();
        let jobs = rows.iter().map(|row| listed(section.state, row)).collect();
        let next = (more == "1").then(|| Place {
            part: part.clone(),
            score: score.clone(),
            reference: reference.clone(),
        });
        Ok((jobs, next))
    }
}

fn listed(state: JobState, row: &[String; FIELDS]) -> ListedJob {
    let [
        id,
        queue,
        lane,
        attempt,
        enqueued,
        due,
        finished,
        group,
        reason,
    ] = row;
    let at = |ms: &str| (!ms.is_empty()).then(|| instant(ms));
    ListedJob {
        id: JobId::from_stored(id),
        state,
        queue: queue.clone(),
        lane: lane.clone(),
        attempt: attempt.parse().unwrap_or(0),
        enqueued: at(enqueued),
        due: at(due),
        finished: at(finished),
        group: (!group.is_empty()).then(|| group.clone()),
        reason: reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::JobCursor;

    #[test]
    fn a_cursor_is_read_back_as_it_was_written() {
        for text in [
            "ready+read@2+0+17+a%2Bb%25c+bc/erp/x+y#z",
            "dead+post+3+++",
            "done++0+1764000000000++id",
        ] {
            let cursor: JobCursor = text.parse().unwrap();
            assert_eq!(cursor.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "ready",
            "asleep+q+0+++",
            "ready+q+x+++",
            "ready+q+0+one++",
        ] {
            assert!(text.parse::<JobCursor>().is_err(), "{text}");
        }
    }
}
