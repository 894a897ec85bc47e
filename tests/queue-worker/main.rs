//! A worker process for proofs: it runs chores and errands until its stdin ends.
//!
//! Each run of a chore is on record before it is worked on. Exits 0 once everything in hand is finished.

mod errands;

use std::{io::Read as _, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Result;
use clap::Parser;
use harness::crew::{Chore, Record, Run};
use signalbox_core::{Completion, JobError, JobResult, Limits, SystemClock};
use signalbox_queue::{
    EngineOptions, Job, PayloadKeys, Queue, QueueOptions, Worker, WorkerOptions,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Debug, Parser)]
#[command(name = "queue-worker", about = "Run the jobs of a proof")]
struct Cli {
    /// Where Redis is
    #[arg(long)]
    redis: String,
    /// How long a lease lasts
    #[arg(long)]
    lease_ms: u64,
    /// Jobs at the same time
    #[arg(long)]
    concurrency: usize,
    /// Where runs are recorded
    #[arg(long)]
    record: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let record = Arc::new(Record::open(&cli.record)?);
    let (queue, _) = Queue::connect(options(&cli.redis)).await?;
    let asking = queue.clone();
    let worker = Worker::new(queue, habits(&cli))
        .handle(cli.concurrency, move |job| chore(job, record.clone()))
        .handle(cli.concurrency, move |job| {
            errands::run(job, asking.clone())
        });
    let (quiet, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(worker.run(quiet.clone()));
    tasks.close();
    // Nothing is ever written to it: it ends with whoever started this process, or when they say so.
    let ended = || std::io::stdin().lock().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(ended).await??;
    quiet.cancel();
    tasks.wait().await;
    Ok(())
}

/// Those of the harness's own server.
fn options(url: &str) -> QueueOptions {
    QueueOptions {
        url: url.to_owned(),
        namespace: "test".to_owned(),
        partitions: 1,
        known_installation: None,
        fresh_installation: "installation-1".to_owned(),
        dedupe_window: Duration::from_secs(7 * 86_400),
        payload_keys: PayloadKeys::default(),
    }
}

fn habits(cli: &Cli) -> WorkerOptions {
    WorkerOptions {
        name: "proof".to_owned(),
        engine: EngineOptions {
            lease: Duration::from_millis(cli.lease_ms),
            ..EngineOptions::default()
        },
        limits: Limits::default(),
        timeout: Duration::from_secs(60),
        shutdown: Duration::from_secs(30),
        clock: Arc::new(SystemClock),
    }
}

async fn chore(job: Job<Chore>, record: Arc<Record>) -> JobResult {
    let run = Run {
        number: job.payload.number,
        token: job.lease.token.as_str().to_owned(),
    };
    record.enter(&run).map_err(JobError::transient)?;
    tokio::time::sleep(Duration::from_millis(job.payload.takes_ms)).await;
    Ok(Completion::default())
}
