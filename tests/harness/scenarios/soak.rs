//! Four worker processes at work, of which one is killed every two seconds.
//!
//! Redis writes to disk before it answers, which is the product's default. Handlers record each run before they begin,
//! and Redis counts a completion in the step that accepts it, so neither depends on what a worker says later.

use std::{collections::HashMap, time::Duration};

use anyhow::Result;
use signalbox_queue::JobState;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Criterion, Size, count};
use crate::crew::{Chore, Crew, Habits, Member, Run};

/// Jobs in one call.
const BATCH: u32 = 100;
/// What each handler takes at most, so that kills find jobs under way.
const TAKES_MS: u64 = 10;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let soak = Soak {
        jobs: size.pick(200_000, 4_000),
        kills: size.pick(30, 3),
        between: size.pick(Duration::from_secs(2), Duration::from_millis(500)),
    };
    let mut crew = Crew::gather(
        Habits {
            // On a slow machine a process that lives must not seem dead.
            lease: size.pick(Duration::from_secs(2), Duration::from_secs(3)),
            concurrency: 32,
        },
        &[],
    )
    .await?;
    let in_flight = soak.run(&mut crew).await?;
    crew.until_idle().await?;
    judged(&soak, &crew, in_flight).await
}

struct Soak {
    jobs: u32,
    kills: u32,
    between: Duration,
}

impl Soak {
    /// Brings jobs and kills workers; returns how many jobs were in flight at the kills.
    async fn run(&self, crew: &mut Crew) -> Result<u64> {
        let mut members = crew.hire_some(4)?;
        let queue = crew.queue.clone();
        let bring = async {
            let batches = self.jobs / BATCH;
            let mut pace = every(self.between * self.kills / batches);
            for batch in 0..batches {
                pace.tick().await;
                let numbers = batch * BATCH..(batch + 1) * BATCH;
                let jobs = numbers.map(|n| Chore::new(n, u64::from(n) % TAKES_MS).job());
                queue.enqueue_all(jobs.collect::<Result<_>>()?).await?;
            }
            anyhow::Ok(())
        };
        let kill = async {
            let mut pace = every(self.between);
            let mut in_flight = 0;
            for _ in 0..self.kills {
                pace.tick().await;
                // The oldest goes, so that each has worked for a while.
                let killed = members.remove(0);
                in_flight += kill(killed, crew).await?;
                members.push(crew.hire()?);
            }
            anyhow::Ok(in_flight)
        };
        let ((), in_flight) = tokio::try_join!(bring, kill)?;
        crew.until_idle().await?;
        for member in members {
            member.stop().await?;
        }
        Ok(in_flight)
    }
}

/// Kills a worker and returns how many of the jobs that it had begun were not ended: their leases are still there.
async fn kill(member: Member, crew: &Crew) -> Result<u64> {
    let begun = member.kill().await?;
    let leased = crew.leased();
    let open = begun.iter().filter(|run| leased.contains(&run.token));
    Ok(count(open.count()))
}

async fn judged(soak: &Soak, crew: &Crew, in_flight: u64) -> Result<Vec<Criterion>> {
    let (done, accepted) = (crew.done()?, crew.accepted("complete")?);
    let runs = per_job(&crew.runs()?);
    let jobs = u64::from(soak.jobs);
    let twice = runs.values().filter(|runs| **runs > 1).count();
    let repeated: u64 = runs.values().map(|runs| runs - 1).sum();
    Ok(vec![
        Criterion::exactly("soak: kills", soak.kills.into(), soak.kills.into()),
        Criterion::exactly("soak: jobs done", done, jobs),
        Criterion::exactly("soak: jobs that a handler ran", count(runs.len()), jobs),
        Criterion::exactly("soak: completions accepted", accepted, jobs),
        Criterion::none(
            "soak: completions accepted twice",
            accepted - done.min(accepted),
        ),
        Criterion::told("soak: jobs in flight at the kills", in_flight),
        Criterion::told("soak: jobs whose handler ran more than once", count(twice)),
        Criterion::at_most("soak: runs that were repeated", repeated, in_flight),
        Criterion::none("soak: dead", crew.jobs_in(JobState::Dead).await?),
    ])
}

/// How often each job was run.
fn per_job(runs: &[Run]) -> HashMap<u32, u64> {
    let mut times = HashMap::new();
    for run in runs {
        *times.entry(run.number).or_default() += 1;
    }
    times
}

/// The first tick after a period, and no burst for those that were missed.
fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
