//! One shape: all contestants in every round, each on an empty Redis.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::{
    contestant::{Contestant, How, Jobs, LONGEST_PLAY, Play, Played},
    figures::{Sample, percentile},
    limit, say,
    server::Server,
    shape::{Concurrency, Plan, Shape},
};

/// How jobs come to wait when nobody measures it.
const FILL: How = How::Bulk(500);

/// The samples of a shape.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// By contestant.
    pub(crate) samples: BTreeMap<&'static str, Vec<Sample>>,
    /// What Redis itself can do.
    pub(crate) limit: Vec<Sample>,
    /// False if somebody could not be measured.
    pub(crate) complete: bool,
}

/// Measures `shape` in `rounds` rounds.
pub(crate) async fn rounds(
    shape: Shape,
    rounds: u32,
    scale: f64,
    server: &Server,
    field: &mut [Box<dyn Contestant>],
) -> Result<Rounds> {
    let mut all = Rounds {
        complete: true,
        ..Rounds::default()
    };
    let plan = shape.plan(scale);
    for round in 0..rounds {
        server.empty().await?;
        all.limit.extend(limit::sample(plan, server).await);
        let ours_alone = shape.is_ours_alone();
        let playing = field
            .iter_mut()
            .filter(|one| !ours_alone || one.name() == "us");
        let mut playing: Vec<_> = playing.collect();
        // Nobody is always the first after a pause.
        let first = round as usize % playing.len();
        playing.rotate_left(first);
        for contestant in playing {
            let name = contestant.name();
            server.empty().await?;
            let stage = Stage {
                server,
                contestant: contestant.as_mut(),
            };
            match tokio::time::timeout(LONGEST_PLAY, stage.sample(plan)).await {
                Ok(Ok(sample)) => {
                    say(&format!(
                        "{} {}: {name} {:.1} {}",
                        shape.word(),
                        round + 1,
                        sample.value,
                        shape.unit()
                    ));
                    all.samples.entry(name).or_default().push(sample);
                }
                Ok(Err(error)) => all.miss(shape, name, &format!("{error:#}")),
                Err(_) => all.miss(shape, name, "it takes too long"),
            }
        }
    }
    Ok(all)
}

impl Rounds {
    fn miss(&mut self, shape: Shape, name: &str, why: &str) {
        self.complete = false;
        say(&format!(
            "{}: {name} could not be measured: {why}",
            shape.word()
        ));
    }
}

/// One contestant with the empty Redis to itself.
struct Stage<'a> {
    server: &'a Server,
    contestant: &'a mut dyn Contestant,
}

impl Stage<'_> {
    async fn sample(mut self, plan: Plan) -> Result<Sample> {
        match plan {
            Plan::Enqueue(count, how) => {
                self.rate(&Play::Enqueue {
                    jobs: Jobs::new(count, 1),
                    how,
                })
                .await
            }
            Plan::Process(count, concurrency) => {
                self.process(Jobs::new(count, 1), count, concurrency).await
            }
            Plan::Pickup(count) => self.pickup(count).await,
            Plan::Backlog { waiting, processed } => self.backlog(waiting, processed).await,
            Plan::Lanes { lanes, processed } => {
                self.compare(Jobs::new(processed, lanes), processed, "one_lane")
                    .await
            }
            Plan::Memory(count) => self.memory(count).await,
        }
    }

    /// Jobs per second, with what they cost Redis.
    async fn rate(&mut self, play: &Play) -> Result<Sample> {
        let (played, cpu_us_per_job) = self.play(play).await?;
        Ok(Sample {
            value: played.count as f64 / played.seconds,
            cpu_us_per_job: Some(cpu_us_per_job),
            more: BTreeMap::new(),
        })
    }

    async fn play(&mut self, play: &Play) -> Result<(Played, f64)> {
        let before = self.server.cpu().await?;
        let played = self.contestant.play(play).await?;
        let cpu = self.server.cpu().await? - before;
        ensure!(played.count > 0, "nothing was played");
        let per_job = cpu * 1e6 / played.count as f64;
        Ok((played, per_job))
    }

    async fn fill(&mut self, jobs: Jobs) -> Result<()> {
        self.play(&Play::Enqueue { jobs, how: FILL }).await?;
        Ok(())
    }

    async fn process(
        &mut self,
        waiting: Jobs,
        count: usize,
        concurrency: Concurrency,
    ) -> Result<Sample> {
        self.fill(waiting).await?;
        self.rate(&Play::Process { count, concurrency }).await
    }

    /// The rate with `waiting` jobs there, and how it compares to that with only those that are processed, in one lane.
    async fn compare(
        &mut self,
        waiting: Jobs,
        count: usize,
        plain: &'static str,
    ) -> Result<Sample> {
        let reference = self.process(Jobs::new(count, 1), count, 100).await?;
        self.server.empty().await?;
        let mut sample = self.process(waiting, count, 100).await?;
        let ratio = sample.value / reference.value;
        sample.more = [(plain, reference.value), ("ratio", ratio)].into();
        Ok(sample)
    }

    /// The rate with `waiting` jobs more than are processed: as soon as they are stored, while Redis may still be growing
    /// the table of its keys, and once that is over.
    async fn backlog(&mut self, waiting: usize, processed: usize) -> Result<Sample> {
        let few = self
            .process(Jobs::new(processed, 1), processed, 100)
            .await?;
        self.server.empty().await?;
        let all = Jobs::new(waiting + 2 * processed, 1);
        let at_once = self.process(all, processed, 100).await?;
        self.server.at_rest().await?;
        let mut sample = self
            .rate(&Play::Process {
                count: processed,
                concurrency: 100,
            })
            .await?;
        sample.more = [
            ("few_waiting", few.value),
            ("ratio", sample.value / few.value),
            ("at_once", at_once.value / few.value),
        ]
        .into();
        Ok(sample)
    }

    async fn pickup(&mut self, count: usize) -> Result<Sample> {
        let (played, cpu) = self
            .play(&Play::Pickup {
                jobs: Jobs::new(count, 1),
            })
            .await?;
        let of =
            |percent| percentile(&played.latencies_ms, percent).context("nothing was picked up");
        Ok(Sample {
            value: of(50)?,
            cpu_us_per_job: Some(cpu),
            more: [("p99", of(99)?)].into(),
        })
    }

    /// Bytes per job that waits, that is done, and per receipt, each with its share of the tables that hold it.
    async fn memory(&mut self, count: usize) -> Result<Sample> {
        let per_job = |bytes: f64| bytes / count as f64;
        let empty = self.server.memory().await?;
        self.fill(Jobs::new(count, 1)).await?;
        let value = per_job(self.server.memory().await? - empty);
        self.play(&Play::Process {
            count,
            concurrency: 100,
        })
        .await?;
        let done = self.server.memory().await?;
        let mut more: BTreeMap<_, _> = [("tombstone", per_job(done - empty))].into();
        if self.contestant.play(&Play::Receipts { count }).await?.count > 0 {
            let receipts = self.server.memory().await? - done;
            more.insert("ledger_entry", per_job(receipts));
        }
        Ok(Sample {
            value,
            cpu_us_per_job: None,
            more,
        })
    }
}
