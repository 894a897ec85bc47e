//! SIGKILL while business goes on: of the worker, and of the embedded Redis.
//!
//! What counts as lost: a document that still has a status which was not announced. A status that a document has
//! left before any read of it was followed by a durable post is told separately: the signal was kept and the record
//! was read again, but what was there between two reads cannot be known (design, section 3).

use std::time::Duration;

use anyhow::Result;
use signalbox_queue::Queue;
use signalbox_sim::{Target, Traffic, Verdict};
use tokio::time::{Instant, interval_at, sleep};

use super::{Criterion, Size, count};
use crate::fleet::{Fleet, Process, Setting};

/// Steps of business per second.
const RATE: f64 = 40.0;

pub(super) async fn worker(size: Size) -> Result<Vec<Criterion>> {
    let rounds = size.pick(20, 4);
    let mut house = House::open("worker-killed").await?;
    let traffic = house.fleet.sim.start_traffic(business());
    let mut seconds = seconds();
    for _ in 0..rounds {
        seconds.tick().await;
        house.worker.kill().await?;
        house.worker = house.fleet.start("worker")?;
        house.kills += 1;
    }
    traffic.stop();
    house.close(rounds).await
}

pub(super) async fn redis(size: Size) -> Result<Vec<Criterion>> {
    let rounds = size.pick(5, 1);
    let mut house = House::open("redis-killed").await?;
    let traffic = house.fleet.sim.start_traffic(business());
    for _ in 0..rounds {
        sleep(size.pick(Duration::from_secs(3), Duration::from_secs(1))).await;
        house.kills += u64::from(house.fleet.kill_redis());
        comes_back(&house.fleet, &house.queue).await?;
    }
    sleep(size.pick(Duration::from_secs(5), Duration::from_secs(1))).await;
    traffic.stop();
    house.close(rounds).await
}

/// A fleet with an ingress and a worker, at work.
struct House {
    name: &'static str,
    kills: u64,
    queue: Queue,
    worker: Process,
    ingress: Process,
    /// Last, so that it is dropped after its processes.
    fleet: Fleet,
}

impl House {
    async fn open(name: &'static str) -> Result<Self> {
        let fleet = Fleet::prepare(busy()).await?;
        let ingress = fleet.start("ingress")?;
        let worker = fleet.start("worker")?;
        fleet.ready().await?;
        Ok(Self {
            name,
            kills: 0,
            queue: fleet.queue().await?,
            worker,
            ingress,
            fleet,
        })
    }

    /// Delivers what is left, judges it, and ends everything as a person would.
    async fn close(self, rounds: u64) -> Result<Vec<Criterion>> {
        let verdict = self.fleet.drain(&self.queue).await?;
        let kills = format!("{}: kills", self.name);
        let mut criteria = vec![Criterion::exactly(&kills, self.kills, rounds)];
        criteria.extend(judged(self.name, &self.fleet, &verdict).await?);
        self.worker.stop().await?;
        self.ingress.stop().await?;
        self.fleet.is_abandoned().await?;
        Ok(criteria)
    }
}

/// Answers take so long that most kills find a request on its way.
fn busy() -> Setting {
    Setting {
        answers_after: Duration::from_millis(40),
        ..Setting::default()
    }
}

fn business() -> Traffic {
    Traffic {
        rate_per_sec: RATE,
        ..Traffic::default()
    }
}

/// The first tick after a second, and no burst for those that were missed.
fn seconds() -> tokio::time::Interval {
    let second = Duration::from_secs(1);
    let mut seconds = interval_at(Instant::now() + second, second);
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    seconds
}

async fn comes_back(fleet: &Fleet, queue: &Queue) -> Result<()> {
    fleet
        .until("redis is started again", async || {
            queue.ping().await.is_ok()
        })
        .await
}

/// Only a post whose attempt died after it began makes us read a channel's messages.
fn looked_for(fleet: &Fleet) -> usize {
    let requests = fleet.sim.requests();
    let reads = requests.iter().map(|request| request.target);
    reads
        .filter(|target| *target == Target::GraphMessages)
        .count()
}

/// What became of everything that happened.
pub(super) async fn judged(name: &str, fleet: &Fleet, verdict: &Verdict) -> Result<Vec<Criterion>> {
    let (_, dead) = fleet.ask("dead list").await?;
    let dead = dead["jobs"].as_array().map_or(0, Vec::len);
    let lost = verdict.lost.list.iter();
    let superseded: Vec<_> = lost.filter(|finding| finding.superseded).collect();
    let gone = count(superseded.len());
    let called: Vec<String> = superseded
        .iter()
        .map(|finding| {
            let status = finding.status.as_deref().unwrap_or_default();
            format!("{} {status}", finding.number)
        })
        .collect();
    let unknown = format!("{name}: posts of unknown fate that were looked for");
    let gone_by = format!(
        "{name}: statuses that were gone at the next read {}",
        called.join(", ")
    );
    Ok(vec![
        Criterion::at_least(&format!("{name}: cards delivered"), verdict.delivered, 20),
        Criterion::told(&unknown, count(looked_for(fleet))),
        Criterion::none(&format!("{name}: lost"), verdict.lost.count - gone),
        Criterion::told(gone_by.trim_end(), gone),
        Criterion::told(
            &format!("{name}: statuses that no read saw"),
            verdict.unseen,
        ),
        Criterion::none(&format!("{name}: duplicates"), verdict.duplicates.count),
        Criterion::none(&format!("{name}: unexpected"), verdict.unexpected.count),
        Criterion::none(&format!("{name}: dead"), count(dead)),
        Criterion::none(
            &format!("{name}: subscriptions deleted by an answer"),
            verdict.subscriptions_deleted_by_answer,
        ),
    ])
}
