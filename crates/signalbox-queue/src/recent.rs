//! What became of the attempts of the last minutes, by queue. The scripts that settle count it, so no job is looked at.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use jiff::Timestamp;

use crate::{Queue, QueueError, ledger::instant, scripts};

/// The last minutes, the one that has just begun included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// The instant by Redis' clock.
    pub now: Timestamp,
    /// How long they are together, up to now.
    pub span: Duration,
    /// By queue, as Redis knows it; one without attempts is not there.
    pub queues: BTreeMap<String, Attempts>,
}

/// The attempts of one queue that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// By what became of them: `complete`, `retry`, `dead` and so on.
    pub ends: BTreeMap<String, u64>,
    /// How many of the done jobs took up to so many ms from their enqueue. Bounds are powers of two; the last has none.
    pub took: BTreeMap<u64, u64>,
}

impl Attempts {
    /// Jobs that were done.
    pub fn done(&self) -> u64 {
        self.ends.get("complete").copied().unwrap_or(0)
    }

    /// Adds the attempts of another queue.
    pub fn add(&mut self, more: &Self) {
        for (end, count) in &more.ends {
            *self.ends.entry(end.clone()).or_default() += count;
        }
        for (bound, count) in &more.took {
            *self.took.entry(*bound).or_default() += count;
        }
    }

    /// Within what time the given share of the done jobs were done, rounded up to a power of two of milliseconds.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.took.values().sum();
        let mut seen = 0;
        self.took.iter().find_map(|(bound, count)| {
            seen += count;
            #[expect(
                clippy::cast_precision_loss,
                reason = "a share of counts need not be exact"
            )]
            let reached = seen as f64 >= share * total as f64;
            reached.then(|| Duration::from_millis(*bound))
        })
    }
}

impl Queue {
    /// What became of the attempts of the last `minutes`.
    pub async fn recent(&self, minutes: NonZeroU32) -> Result<Recent, QueueError> {
        let mut recent = Recent::default();
        for partition in &self.inner.partitions {
            let mut call = partition.call(&scripts::RECENT_MINUTES);
            call.arg(minutes.get());
            let answer: Vec<String> = partition.invoke(&call).await?;
            let (now, counts) = answer
                .split_first()
                .map_or(("0", &[][..]), |(now, rest)| (now, rest));
            recent.now = instant(now);
            for pair in counts.chunks_exact(2) {
                recent.add(&pair[0], pair[1].parse().unwrap_or(0));
            }
        }
        let begun = recent.now.as_millisecond().rem_euclid(60_000);
        let whole = Duration::from_secs(60) * (minutes.get() - 1);
        recent.span = whole + Duration::from_millis(begun.unsigned_abs());
        Ok(recent)
    }
}

impl Recent {
    fn add(&mut self, name: &str, count: u64) {
        let Some((queue, what)) = name.split_once('|') else {
            return;
        };
        let attempts = self.queues.entry(queue.to_owned()).or_default();
        match what.strip_prefix("le").and_then(|bound| bound.parse().ok()) {
            Some(bound) => *attempts.took.entry(bound).or_default() += count,
            None => *attempts.ends.entry(what.to_owned()).or_default() += count,
        }
    }
}
