//! A Redis that is filled to its limit and over it, then drained by workers that nobody helped.
//!
//! Signals from outside are refused first; what follows from stored jobs still passes, also beyond `maxmemory`. The
//! last of it is enqueued in a Redis that refuses every other write.

use std::{collections::HashSet, time::Duration};

use anyhow::{Result, bail, ensure};
use signalbox_queue::{JobState, NewJob, QueueError};

use super::{Criterion, Size, count};
use crate::{
    crew::{Chore, Crew, Habits},
    until::until,
};

/// Jobs in one call.
const BATCH: u32 = 100;
/// What a job carries, below the size from which it is packed.
const PADDING: usize = 2_000;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let habits = Habits {
        lease: Duration::from_secs(10),
        concurrency: 32,
    };
    // Of the memory that an empty server needs by itself, there is always some.
    let setting = size.pick("--maxmemory 96mb", "--maxmemory 16mb");
    let mut crew = Crew::gather(habits, &[setting]).await?;
    let mut brought = Brought(0);
    let signals = brought.signals(&crew).await?;
    let beyond = brought.follow_ups(&crew).await?;
    let refuses = crew.redis.command("SET something else").contains("OOM");
    let still_refused = matches!(
        crew.queue.take_in(brought.next(1)?).await,
        Err(QueueError::Full { .. })
    );
    let members = crew.hire_some(2)?;
    let taken_again = until("a signal is taken again", async || match brought.next(1) {
        Ok(late) => crew.queue.take_in(late).await.is_ok(),
        Err(_) => false,
    });
    let late = u64::from(taken_again.await.is_ok());
    crew.until_idle().await?;
    for member in members {
        member.stop().await?;
    }
    let accepted = signals + beyond + late;
    let runs = crew.runs()?;
    let ran: HashSet<u32> = runs.iter().map(|run| run.number).collect();
    Ok(vec![
        Criterion::at_least("full: signals taken in", signals, size.pick(10_000, 100)),
        Criterion::at_least(
            "full: follow-ups stored when signals were refused",
            beyond,
            100,
        ),
        Criterion::exactly("full: every other write was refused", refuses.into(), 1),
        Criterion::exactly("full: signals were still refused", still_refused.into(), 1),
        Criterion::exactly("full: signals taken again by itself", late, 1),
        Criterion::exactly("full: jobs done of those accepted", crew.done()?, accepted),
        Criterion::exactly("full: jobs that a handler ran", count(ran.len()), accepted),
        Criterion::exactly("full: runs", count(runs.len()), accepted),
        Criterion::none("full: dead", crew.jobs_in(JobState::Dead).await?),
    ])
}

/// The number of the next chore.
struct Brought(u32);

impl Brought {
    /// Takes in signals until one is refused; returns how many were taken.
    async fn signals(&mut self, crew: &Crew) -> Result<u64> {
        loop {
            let jobs = self.next(BATCH)?;
            match crew.queue.take_in(jobs).await {
                Ok(_) => self.0 += BATCH,
                Err(QueueError::Full { .. }) => return Ok(self.0.into()),
                Err(error) => bail!(error),
            }
            ensure!(self.0 < 1_000_000, "a million signals filled nothing");
        }
    }

    /// Stores what may pass where signals may not, until Redis is over its limit; returns how many there were.
    async fn follow_ups(&mut self, crew: &Crew) -> Result<u64> {
        let first = self.0;
        loop {
            let memory = crew.queue.memory().await?;
            if memory.used > memory.most {
                return Ok((self.0 - first).into());
            }
            crew.queue.enqueue_all(self.next(BATCH)?).await?;
            self.0 += BATCH;
        }
    }

    /// The next chores, each as long as the others.
    fn next(&self, count: u32) -> Result<Vec<NewJob>> {
        let job = |number: u32| {
            let mut chore = Chore::new(number, 0);
            chore.padding = format!("{number} ").repeat(PADDING);
            chore.padding.truncate(PADDING);
            chore.job()
        };
        (self.0..self.0 + count).map(job).collect()
    }
}
