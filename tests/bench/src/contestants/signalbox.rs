//! Ours, as the product uses it: lanes with limits, counters, fencing and tombstones are on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use signalbox_core::{
    Completion, EffectKey, JobId, LaneChain, LaneLimits, LaneName, Limits, Payload, QueueName,
    SystemClock,
};
use signalbox_queue::{
    EngineOptions, Job, JobState, NewJob, Queue, QueueOptions, Worker, WorkerOptions, protocol,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::contestant::{Contestant, How, Jobs, Play, Played, Tally, in_flight, runs, surprise};

/// Those of a bot's conversation, wide enough never to be met: what they cost is measured, not what they forbid.
const LIMITS: &str = "1000000 1000000/1s 10000000/30s";
const ROOT: [&str; 4] = ["bot", "contoso", "smba.example", "7f3b2c1a"];
/// What Teams answers to a post.
const RECEIPT: &str = "1764000000000";
/// Receipts on their way at the same time.
const RECEIPTS_IN_FLIGHT: usize = 100;

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    body: String,
}

impl Payload for Note {
    const QUEUE: QueueName = QueueName::new("bench", 1);
}

/// `signalbox-queue`.
pub(crate) struct Signalbox {
    url: String,
    partitions: u16,
}

impl Signalbox {
    pub(crate) fn new(url: &str) -> Self {
        Self::across(url, 1)
    }

    /// With its jobs in several partitions.
    pub(crate) fn across(url: &str, partitions: u16) -> Self {
        Self {
            url: url.to_owned(),
            partitions,
        }
    }

    async fn open(&self) -> Result<Queue> {
        let options = QueueOptions {
            url: self.url.clone(),
            namespace: "bench".to_owned(),
            partitions: self.partitions,
            known_installation: None,
            fresh_installation: "bench".to_owned(),
            dedupe_window: Duration::from_secs(7 * 86_400),
            payload_keys: signalbox_queue::PayloadKeys::default(),
        };
        let (queue, _) = Queue::connect(options).await?;
        let root = LaneName::new(ROOT);
        let limits: LaneLimits = LIMITS.parse()?;
        queue.limit_lane(&root, &root, Some(&limits)).await?;
        Ok(queue)
    }
}

impl Contestant for Signalbox {
    fn name(&self) -> &'static str {
        "us"
    }

    fn play<'a>(&'a mut self, play: &'a Play) -> BoxFuture<'a, Result<Played>> {
        async move {
            let queue = self.open().await?;
            match play {
                Play::Enqueue { jobs, how } => enqueue(&queue, jobs, *how).await,
                Play::Process { count, concurrency } => process(&queue, *count, *concurrency).await,
                Play::Pickup { jobs } => pickup(&queue, jobs).await,
                Play::Receipts { count } => receipts(&queue, *count).await,
            }
        }
        .boxed()
    }
}

fn job(jobs: &Jobs, number: usize) -> Result<NewJob> {
    let [bot, contoso, host, tenant] = ROOT;
    let tenant = match number % jobs.roots {
        0 => tenant.to_owned(),
        root => format!("{tenant}-{root}"),
    };
    let channel = format!("channel-{:05}", number % jobs.lanes);
    let root = LaneName::new([bot, contoso, host, &tenant]);
    let lane = LaneName::new([bot, contoso, host, &tenant, &channel]);
    let note = Note {
        body: jobs.payload.clone(),
    };
    let id = JobId::from_stored(jobs.id(number));
    let lanes = LaneChain::root(root).below(lane);
    Ok(NewJob::new(id, lanes, note, Some(jobs.trace.clone()))?)
}

async fn enqueue(queue: &Queue, jobs: &Jobs, how: How) -> Result<Played> {
    let start = Instant::now();
    match how {
        How::OneByOne => {
            for number in 0..jobs.count {
                queue.enqueue(job(jobs, number)?).await?;
            }
        }
        How::InFlight(width) => {
            let (queue, jobs) = (queue.clone(), Arc::new(jobs.clone()));
            in_flight(jobs.count, width, move |number| {
                let (queue, jobs) = (queue.clone(), jobs.clone());
                async move {
                    queue.enqueue(job(&jobs, number)?).await?;
                    Ok(())
                }
            })
            .await?;
        }
        How::Bulk(size) => {
            for run in runs(jobs.count, size) {
                let batch: Result<Vec<NewJob>> = run.map(|number| job(jobs, number)).collect();
                queue.enqueue_all(batch?).await?;
            }
        }
    }
    Ok(Played::since(start, jobs.count))
}

async fn process(queue: &Queue, count: usize, concurrency: usize) -> Result<Played> {
    let waiting = unfinished(queue).await?;
    let tally = Tally::of(count);
    let counted = tally.clone();
    let start = Instant::now();
    let worker = Running::start(queue, concurrency, move |_| counted.count());
    let ended = || async { Ok(waiting.saturating_sub(unfinished(queue).await?)) };
    let count = tally.acknowledged(ended).await?;
    let played = Played::since(start, count);
    worker.stop().await;
    Ok(played)
}

async fn pickup(queue: &Queue, jobs: &Jobs) -> Result<Played> {
    let (starts, started) = mpsc::unbounded_channel();
    let worker = Running::start(queue, 10, move |_| {
        // Nobody listens any more once the last job was seen.
        _ = starts.send(Instant::now());
    });
    let send = |number| async move {
        queue.enqueue(job(jobs, number)?).await?;
        Ok(())
    };
    let played = surprise(jobs.count, started, send).await;
    worker.stop().await;
    played
}

/// Intents and receipts of one attempt, because what is measured is what an entry weighs.
async fn receipts(queue: &Queue, count: usize) -> Result<Played> {
    let jobs = Jobs::new(count, 1);
    queue
        .enqueue(job(
            &Jobs {
                prefix: "first/".to_owned(),
                ..jobs.clone()
            },
            0,
        )?)
        .await?;
    let leased = protocol::fetch(queue, &Note::QUEUE, Duration::from_secs(600), 1).await?;
    let lease = leased
        .into_iter()
        .next()
        .context("no job to hold receipts")?
        .lease;
    let (owner, held, start) = (queue.clone(), lease.clone(), Instant::now());
    in_flight(count, RECEIPTS_IN_FLIGHT, move |number| {
        let (queue, lease) = (owner.clone(), held.clone());
        let effect = EffectKey::from_stored(jobs.id(number));
        async move {
            queue.intend(&lease, &effect, None).await?;
            queue.confirm(&lease, &effect, RECEIPT).await?;
            Ok(())
        }
    })
    .await?;
    let played = Played::since(start, count);
    protocol::settle(queue, &lease, protocol::Verb::Complete, "").await?;
    Ok(played)
}

/// Jobs whose end is not acknowledged.
async fn unfinished(queue: &Queue) -> Result<usize> {
    let depth = queue.depth().await?;
    let live = |state: JobState| {
        matches!(
            state,
            JobState::Ready | JobState::Running | JobState::Scheduled
        )
    };
    let counts = depth.iter().filter(|((_, state), _)| live(*state));
    Ok(usize::try_from(
        counts.map(|(_, count)| count).sum::<i64>(),
    )?)
}

/// A worker with a handler that does nothing but tell that it was called.
struct Running {
    quiet: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    fn start(
        queue: &Queue,
        concurrency: usize,
        called: impl Fn(Job<Note>) + Send + Sync + 'static,
    ) -> Self {
        let options = WorkerOptions {
            name: "bench".to_owned(),
            engine: EngineOptions::default(),
            limits: Limits::default(),
            timeout: Duration::from_secs(60),
            shutdown: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        };
        let called = Arc::new(called);
        let worker = Worker::new(queue.clone(), options).handle(concurrency, move |job| {
            called(job);
            async { Ok(Completion::default()) }
        });
        let (quiet, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(worker.run(quiet.clone()));
        tasks.close();
        Self { quiet, tasks }
    }

    async fn stop(self) {
        self.quiet.cancel();
        self.tasks.wait().await;
    }
}
