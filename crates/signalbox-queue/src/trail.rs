//! The trail: every step of a document's story, found by the names that people know the document by.
//!
//! A story is a list of steps: of a document, or of a job whose document nobody knows yet. A step that knows both,
//! because its job has just read the record, ties the two together under the document's number. Reading one document
//! costs its own steps, whatever else there is. The whole trail keeps to an age and to a budget of bytes; what was
//! longest without a new step goes first. Nothing depends on the trail: it is told after the fact.

mod walk;
mod writer;

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use redis::ScriptInvocation;
use signalbox_core::{DocumentName, JobId, LaneName, Step, StepWord};

use crate::{Queue, QueueError, inspect::query, keys, partition::Partition, reference, scripts};

pub use walk::TrailWalk;
pub use writer::{Trail, TrailWriter};

/// Of a record that changes all the time, the newest steps.
const MOST_STEPS: usize = 200;
/// Of a number that many companies use, the documents that were touched last.
const MOST_STORIES: usize = 200;
/// What Redis needs for a key and its place in the index, beside the texts in it. Counted high.
const BYTES_PER_KEY: usize = 270;
/// What Redis needs for an item, beside its text. Counted high.
const BYTES_PER_ITEM: usize = 16;
/// Entries ended by one script, so that others get their turn.
const MOST_PER_TRIM: usize = 100;
/// Steps appended by one script.
const MOST_PER_APPEND: usize = 250;

/// For how long, and how much of, the trail is kept.
#[derive(Debug, Clone, Copy)]
pub struct TrailRetention {
    /// Stories without a new step for longer are ended.
    pub keep: Duration,
    /// What the trail may take, in bytes as it counts them.
    pub bytes: u64,
}

/// What one script is told: an item for a story or for a name.
struct Entry {
    kind: &'static str,
    reference: String,
    at: i64,
    text: String,
}

impl Queue {
    /// Appends steps to their stories and enters the names of their documents.
    ///
    /// Given again after an error it may append some steps twice, which [`Queue::story`] leaves out.
    pub async fn append_steps(&self, steps: &[Step]) -> Result<(), QueueError> {
        for chunk in steps.chunks(MOST_PER_APPEND) {
            for (number, entries) in self.entries(chunk)? {
                let partition = &self.inner.partitions[usize::from(number)];
                let mut call = partition.call(&scripts::APPEND_TRAIL);
                call.arg(MOST_STEPS).arg(MOST_STORIES);
                counted(&mut call);
                for entry in entries {
                    let Entry {
                        kind,
                        reference,
                        at,
                        text,
                    } = entry;
                    call.arg(kind).arg(reference).arg(at).arg(text);
                }
                partition.invoke::<i64>(&call).await?;
            }
        }
        Ok(())
    }

    /// The steps of every document that goes by `name`, and of the job that is called so, in order.
    ///
    /// Upper and lower case are the same in names of documents, and different in ids.
    pub async fn story(&self, name: &str) -> Result<Vec<Step>, QueueError> {
        let told = of_name(name);
        let partition = self.keeper_of(&told);
        let key = keys::trail_entry(&partition.prefix, &format!("told:{told}"));
        let mut stories: Vec<String> =
            query(partition, redis::cmd("ZRANGE").arg(key).arg(0).arg(-1)).await?;
        stories.push(reference::of_job(&JobId::from_stored(name)));
        let mut steps = Vec::new();
        for story in stories {
            steps.extend(self.steps_of(&story).await?);
        }
        Ok(in_order(steps))
    }

    /// One round of trimming, as if it were `now`, in small steps. Returns how many stories were ended.
    pub async fn trim_trail(
        &self,
        now: Timestamp,
        retention: &TrailRetention,
    ) -> Result<u64, QueueError> {
        let keep = SignedDuration::try_from(retention.keep).unwrap_or(SignedDuration::MAX);
        let before = now.checked_sub(keep).unwrap_or(Timestamp::UNIX_EPOCH);
        let partitions = &self.inner.partitions;
        let share = retention.bytes / partitions.len() as u64;
        let mut total = 0;
        for partition in partitions {
            loop {
                let mut call = partition.call(&scripts::TRIM_TRAIL);
                call.arg(MOST_PER_TRIM)
                    .arg(before.as_millisecond())
                    .arg(share);
                counted(&mut call);
                let (ended, stories): (usize, u64) = partition.invoke(&call).await?;
                total += stories;
                if ended < MOST_PER_TRIM {
                    break;
                }
            }
        }
        Ok(total)
    }

    /// What the trail takes, in bytes as it counts them.
    pub async fn trail_bytes(&self) -> Result<u64, QueueError> {
        let mut total = 0;
        for partition in &self.inner.partitions {
            let key = keys::trail_bytes(&partition.prefix);
            let bytes: Option<u64> = query(partition, redis::cmd("GET").arg(key)).await?;
            total += bytes.unwrap_or(0);
        }
        Ok(total)
    }

    /// What is appended, by the partition that keeps it.
    fn entries(&self, steps: &[Step]) -> Result<HashMap<u16, Vec<Entry>>, QueueError> {
        let mut entries: HashMap<u16, Vec<Entry>> = HashMap::new();
        for step in steps {
            for entry in entries_of(step)? {
                let keeper = self.keeper_of(&entry.reference).number;
                entries.entry(keeper).or_default().push(entry);
            }
        }
        Ok(entries)
    }

    /// Stories and names are spread over all partitions, whatever their lanes are.
    fn keeper_of(&self, reference: &str) -> &Partition {
        self.partition_of(&LaneName::new([reference]))
    }

    async fn steps_of(&self, story: &str) -> Result<Vec<Step>, QueueError> {
        let partition = self.keeper_of(story);
        let key = keys::trail_entry(&partition.prefix, &format!("steps:{story}"));
        let texts: Vec<String> =
            query(partition, redis::cmd("LRANGE").arg(key).arg(0).arg(-1)).await?;
        texts.iter().map(|text| read(text)).collect()
    }
}

/// A step for its story, and its story for every name of its document.
fn entries_of(step: &Step) -> Result<Vec<Entry>, QueueError> {
    let at = step.at.as_millisecond();
    let of_job = reference::of_job(&step.job);
    let story = step.document.as_ref().map(of_document);
    let mut entries = Vec::with_capacity(3);
    let number = step.document.as_ref().map(|document| &document.number);
    for name in number.into_iter().chain(&step.also) {
        let reference = of_name(name);
        let tell = |text: &str| Entry {
            kind: "told",
            reference: reference.clone(),
            at,
            text: text.to_owned(),
        };
        entries.push(tell(story.as_ref().unwrap_or(&of_job)));
        // What was told of the job before it knew the document belongs to the document.
        if story.is_some() && step.word == StepWord::Read {
            entries.push(tell(&of_job));
        }
    }
    entries.push(Entry {
        kind: "steps",
        reference: story.unwrap_or(of_job),
        at,
        text: write(step)?,
    });
    Ok(entries)
}

fn of_document(document: &DocumentName) -> String {
    reference::of_job(&JobId::new(["document", &document.scope, &document.number]))
}

fn of_name(name: &str) -> String {
    reference::of_job(&JobId::new(["name", &name.trim().to_uppercase()]))
}

fn counted(call: &mut ScriptInvocation<'_>) {
    call.arg(BYTES_PER_KEY).arg(BYTES_PER_ITEM);
}

/// Steps by their instants; a step that was appended twice, once.
fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by_key(|step| step.at);
    let mut ordered: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let same = ordered.iter().rev().take_while(|known| known.at == step.at);
        if !same.into_iter().any(|known| *known == step) {
            ordered.push(step);
        }
    }
    ordered
}

fn write(step: &Step) -> Result<String, QueueError> {
    serde_json::to_string(step).map_err(unreadable)
}

fn read(text: &str) -> Result<Step, QueueError> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(source: serde_json::Error) -> QueueError {
    QueueError::Payload {
        queue: "trail".to_owned(),
        source,
    }
}
