//! How full Redis is, looked at no more often than needed.
//!
//! Signals from outside are refused above four fifths of `maxmemory`. The rest is for what the stored jobs still
//! write before they end, and those scripts run even beyond the limit (`allow-oom`), so a full Redis drains by itself.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::{Queue, QueueError, partition::Partition};

/// A look is believed for so long. What this process takes in meanwhile is added to it.
const BELIEVED: Duration = Duration::from_millis(250);

/// What Redis uses, and may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Bytes that count against the limit.
    pub used: u64,
    /// `maxmemory` in bytes; 0 if there is no limit, or the server does not tell.
    pub most: u64,
}

impl Memory {
    /// True above four fifths of the limit.
    pub fn is_short(&self) -> bool {
        self.most > 0 && self.used > self.most / 5 * 4
    }

    /// True below half of the limit.
    fn is_plenty(&self) -> bool {
        self.used <= self.most / 2 || self.most == 0
    }

    /// What is used of the limit, in thousandths; 0 without one.
    fn share(self) -> u64 {
        let thousandths = self.used.saturating_mul(1000).checked_div(self.most);
        thousandths.unwrap_or(0)
    }

    /// From the section `memory` of INFO. Buffers that Redis itself leaves out of its count are left out here.
    fn parse(info: &str) -> Self {
        let number = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name));
            value
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0u64)
        };
        let not_counted = number("mem_not_counted_for_evict:");
        Self {
            used: number("used_memory:").saturating_sub(not_counted),
            most: number("maxmemory:"),
        }
    }
}

/// The last look, shared by all clones of a queue. Whoever comes while one is under way waits for it.
#[derive(Debug, Default)]
pub(crate) struct MemoryLook(Mutex<Option<(Instant, Memory)>>);

impl Queue {
    /// How full Redis is now; in a cluster, the fullest of the masters that have partitions.
    ///
    /// A server that answers, but will not say, counts as one without a limit: it refuses by itself what is too much.
    pub async fn memory(&self) -> Result<Memory, QueueError> {
        let mut fullest = Memory::default();
        for partition in &self.inner.partitions {
            let memory = memory_of(partition).await?;
            if memory.share() >= fullest.share() {
                fullest = memory;
            }
            if !partition.link.is_cluster() {
                break;
            }
        }
        Ok(fullest)
    }

    /// Refuses `bytes` from outside while memory is short. What is admitted counts as used until the next look.
    ///
    /// True if the last look is old, and the caller shall look again while it goes on: it showed more than enough.
    pub(crate) async fn admit(&self, bytes: u64) -> Result<bool, QueueError> {
        let mut last = self.inner.memory.0.lock().await;
        let (at, mut memory, old) = match *last {
            Some((at, memory)) if at.elapsed() < BELIEVED => (at, memory, false),
            Some((_, memory)) if memory.is_plenty() => (Instant::now(), memory, true),
            _ => (Instant::now(), self.memory().await?, false),
        };
        let Memory { used, most } = memory;
        let short = memory.is_short();
        if !short {
            memory.used += bytes;
        }
        *last = Some((at, memory));
        if short {
            return Err(QueueError::Full { used, most });
        }
        Ok(old)
    }

    /// Looks again for those who come next. A look that fails changes nothing.
    pub(crate) async fn look_at_memory(&self) {
        if let Ok(memory) = self.memory().await {
            *self.inner.memory.0.lock().await = Some((Instant::now(), memory));
        }
    }
}

async fn memory_of(partition: &Partition) -> Result<Memory, QueueError> {
    let asked: Result<String, _> = redis::cmd("INFO")
        .arg("memory")
        .query_async(&mut partition.link.shared())
        .await;
    match asked {
        Ok(info) => Ok(Memory::parse(&info)),
        Err(error) if error.code() == Some("NOPERM") => Ok(Memory::default()),
        Err(error) => Err(QueueError::Redis(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    fn check(info: &str, used: u64, most: u64, short: bool) {
        let memory = Memory::parse(info);
        assert_eq!(memory, Memory { used, most }, "{info}");
        assert_eq!(memory.is_short(), short, "{info}");
    }

    #[test]
    fn memory_is_short_above_four_fifths_of_a_limit_and_never_without_one() {
        let room = "used_memory:800\r\nmaxmemory:1000\r\n";
        check(room, 800, 1000, false);
        let short = "used_memory:900\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:99\r\n";
        check(short, 801, 1000, true);
        check("used_memory:900\r\nmaxmemory:0\r\n", 900, 0, false);
        check("", 0, 0, false);
    }
}
