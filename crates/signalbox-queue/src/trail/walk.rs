//! Going through the whole trail, story by story, without holding anybody up.

use std::collections::HashSet;

use jiff::Timestamp;
use signalbox_core::Step;

use super::in_order;
use crate::{Queue, QueueError, inspect::query, keys, partition::Partition};

/// Stories looked at by one query.
const PORTION: usize = 500;

/// A walk through the stories that had a step since an instant, in the order of their last steps.
///
/// What is appended meanwhile may or may not be seen; a story is seen once.
#[derive(Debug)]
pub struct TrailWalk {
    queue: Queue,
    since: Timestamp,
    /// The partition that is gone through, and the instant behind us.
    partition: usize,
    behind: Option<i64>,
    /// A new step moves a story ahead of us again.
    seen: HashSet<String>,
}

impl Queue {
    /// A walk through the stories that had a step since `since`.
    pub fn walk_trail(&self, since: Timestamp) -> TrailWalk {
        TrailWalk {
            queue: self.clone(),
            since,
            partition: 0,
            behind: None,
            seen: HashSet::new(),
        }
    }
}

impl TrailWalk {
    /// Some more stories, each with all its steps in order; possibly none. `None` after the last ones.
    pub async fn next(&mut self) -> Result<Option<Vec<Vec<Step>>>, QueueError> {
        let queue = self.queue.clone();
        let Some(partition) = queue.inner.partitions.get(self.partition) else {
            return Ok(None);
        };
        let entries = self.portion(partition).await?;
        if entries.is_empty() {
            self.partition += 1;
            self.behind = None;
        }
        let mut stories = Vec::new();
        for entry in entries {
            let Some(story) = entry.strip_prefix("steps:") else {
                continue;
            };
            if self.seen.insert(story.to_owned()) {
                stories.push(in_order(queue.steps_of(story).await?));
            }
        }
        Ok(Some(stories))
    }

    /// The next entries by their last steps, with all that share the last one's instant.
    async fn portion(&mut self, partition: &Partition) -> Result<Vec<String>, QueueError> {
        let key = keys::trail(&partition.prefix);
        let from = match self.behind {
            Some(behind) => format!("({behind}"),
            None => self.since.as_millisecond().to_string(),
        };
        let mut cmd = redis::cmd("ZRANGEBYSCORE");
        cmd.arg(&key).arg(from).arg("+inf").arg("WITHSCORES");
        cmd.arg("LIMIT").arg(0).arg(PORTION);
        let mut found: Vec<(String, i64)> = query(partition, &cmd).await?;
        let Some((_, last)) = found.pop() else {
            return Ok(Vec::new());
        };
        self.behind = Some(last);
        let mut tied = redis::cmd("ZRANGEBYSCORE");
        tied.arg(&key).arg(last).arg(last);
        let tied: Vec<String> = query(partition, &tied).await?;
        let before = found.into_iter().filter(|(_, at)| *at < last);
        Ok(before.map(|(entry, _)| entry).chain(tied).collect())
    }
}
