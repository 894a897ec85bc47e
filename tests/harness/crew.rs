//! Worker processes that know nothing but the queue, on one real Redis: they are killed and replaced like any other.
//!
//! What a handler did is on record in a file of its process, written before anything else happens, so that a kill
//! leaves it behind. No process outlives its [`Crew`].

mod chore;
mod errand;
mod tally;

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use signalbox_queue::{JobState, Queue};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub use self::{
    chore::Chore,
    errand::{Errand, Limited, Request},
};
use crate::{RedisServer, fleet, until::until};

/// How the members of a crew work.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// How long a dead member's jobs stay with it.
    pub lease: Duration,
    /// Jobs that each member works on at the same time.
    pub concurrency: usize,
}

/// A Redis, and the processes that work on it.
#[derive(Debug)]
pub struct Crew {
    /// The server that all of them work on.
    pub redis: RedisServer,
    /// A queue on it for whoever watches.
    pub queue: Queue,
    habits: Habits,
    hired: usize,
    dir: TempDir,
}

/// One worker process. Dropping it kills it.
#[derive(Debug)]
pub struct Member {
    child: Child,
    record: PathBuf,
}

impl Crew {
    /// A Redis that writes to disk before it answers, and nobody at work yet.
    pub async fn gather(habits: Habits, settings: &[&str]) -> Result<Self> {
        let redis = RedisServer::start_with(settings);
        Ok(Self {
            queue: redis.queue().await,
            redis,
            habits,
            hired: 0,
            dir: tempfile::Builder::new().prefix("sb").tempdir()?,
        })
    }

    /// Starts one more process.
    pub fn hire(&mut self) -> Result<Member> {
        self.hired += 1;
        let record = self.dir.path().join(format!("{}.runs", self.hired));
        let log = File::create(self.dir.path().join(format!("{}.log", self.hired)))?;
        let child = Command::new(fleet::program("queue-worker")?)
            .args(["--redis", &self.redis.url()])
            .args(["--lease-ms", &self.habits.lease.as_millis().to_string()])
            .args(["--concurrency", &self.habits.concurrency.to_string()])
            .arg("--record")
            .arg(&record)
            // It ends when this pipe does, so it cannot outlive us whatever becomes of us.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .context("`queue-worker` cannot be run")?;
        Ok(Member { child, record })
    }

    /// Starts so many processes.
    pub fn hire_some(&mut self, count: usize) -> Result<Vec<Member>> {
        (0..count).map(|_| self.hire()).collect()
    }

    /// Returns when no job waits or runs.
    pub async fn until_idle(&self) -> Result<()> {
        let idle = until("no job is left", async || match self.queue.depth().await {
            Ok(depth) => !depth.iter().any(|((_, state), count)| {
                let live = [JobState::Ready, JobState::Running, JobState::Scheduled];
                *count != 0 && live.contains(state)
            }),
            Err(_) => false,
        });
        idle.await.with_context(|| self.complaints())
    }

    /// How many jobs are in `state`.
    pub async fn jobs_in(&self, state: JobState) -> Result<u64> {
        let depth = self.queue.depth().await?;
        let counts = depth.iter().filter(|((_, of), _)| *of == state);
        Ok(counts.map(|(_, count)| count.unsigned_abs()).sum())
    }

    /// What every process that ever worked here has on record: one entry for each run, also those that a kill cut off.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for number in 1..=self.hired {
            runs.extend(read(&self.dir.path().join(format!("{number}.runs")))?);
        }
        Ok(runs)
    }

    fn complaints(&self) -> String {
        let logs = (1..=self.hired).map(|number| self.dir.path().join(format!("{number}.log")));
        let texts = logs.map(|log| fs::read_to_string(log).unwrap_or_default());
        texts.collect()
    }
}

impl Member {
    /// Ends it as a power cut would, and returns what it has on record.
    pub async fn kill(mut self) -> Result<Vec<Run>> {
        self.child.kill().await?;
        read(&self.record)
    }

    /// Tells it to finish what it has in hand, and returns when it has ended.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("a worker that was told to stop ended with {status}");
        }
        Ok(())
    }
}

/// One run of a job by a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The job.
    pub number: u32,
    /// The token of the attempt.
    pub token: String,
}

/// Where one process records its runs.
#[derive(Debug)]
pub struct Record(File);

impl Record {
    /// A record that begins or goes on.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(file.context("the record cannot be opened")?))
    }

    /// Adds a run in one write, which the system completes whatever becomes of this process.
    pub fn enter(&self, run: &Run) -> Result<()> {
        let line = format!("{} {}\n", run.number, run.token);
        let written = (&self.0).write_all(line.as_bytes());
        written.context("a run cannot be recorded")
    }
}

/// A member that was killed before it was ready has no record.
fn read(path: &Path) -> Result<Vec<Run>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let run = |line: &str| {
        let (number, token) = line.split_once(' ').context("a run without a token")?;
        let (number, token) = (number.parse()?, token.to_owned());
        Ok(Run { number, token })
    };
    text.lines().map(run).collect()
}
