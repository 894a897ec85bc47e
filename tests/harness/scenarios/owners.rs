//! SIGKILL of the owners of the embedded Redis, again and again, while notifications are acknowledged.
//!
//! An owner is any role on the folder. The one that is left, or the next that starts, must adopt the server or start
//! a new one; there are never two; and what was answered 200 is a job afterwards.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Result, anyhow};
use signalbox_core::{ConnectionName, JobId, LaneName, business_central_lanes};
use signalbox_queue::{JobState, Queue};
use signalbox_sim::{DEFAULT_COMPANY_ID, DEFAULT_ENVIRONMENT};
use uuid::Uuid;

use super::{
    Criterion, Size, count,
    notifier::{Notifier, Sent},
};
use crate::fleet::{Fleet, Process, Setting};

/// One notification in this time.
const PACE: Duration = Duration::from_millis(10);
/// Notifications that are acknowledged between two kills, at least.
const SOME: usize = 5;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let rounds = size.pick(100, 10);
    let fleet = Fleet::prepare(Setting::default()).await?;
    let mut owners = Owners {
        ingress: fleet.start("ingress")?,
        worker: fleet.start("worker")?,
    };
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let guard = Guard::start(&fleet);
    let notifier = Notifier::start(fleet.subscribed()?, 2, PACE);
    for round in 0..rounds {
        owners.kill_and_restart(round, &fleet).await?;
        works(&fleet, &queue, &notifier).await?;
    }
    let sent = notifier.stop().await;
    fleet.quiet(&queue).await?;
    let mut criteria = vec![
        Criterion::exactly("owner-killed: kills", rounds, rounds),
        Criterion::at_least(
            "owner-killed: acknowledged",
            count(sent.acknowledged.len()),
            rounds * count(SOME),
        ),
    ];
    criteria.extend(kept(&fleet, &queue, &sent).await?);
    owners.worker.stop().await?;
    owners.ingress.stop().await?;
    fleet.is_abandoned().await?;
    criteria.push(Criterion::exactly(
        "owner-killed: most servers at once",
        guard.stop()?,
        1,
    ));
    Ok(criteria)
}

struct Owners {
    ingress: Process,
    worker: Process,
}

impl Owners {
    /// In turn: either owner, both, and either together with the server, so that two want to start the next one.
    async fn kill_and_restart(&mut self, round: u64, fleet: &Fleet) -> Result<()> {
        let (ingress, worker, server) = match round % 5 {
            0 => (true, false, false),
            1 => (false, true, false),
            2 => (true, true, false),
            3 => (true, false, true),
            _ => (false, true, true),
        };
        if server {
            fleet.kill_redis();
        }
        if ingress {
            self.ingress.kill().await?;
        }
        if worker {
            self.worker.kill().await?;
            self.worker = fleet.start("worker")?;
        }
        if ingress {
            self.ingress = fleet.start("ingress")?;
        }
        Ok(())
    }
}

/// Waits for a notification that is acknowledged after the kill and dealt with: the next kill shall meet a system at
/// work, not one that is starting.
async fn works(fleet: &Fleet, queue: &Queue, notifier: &Notifier) -> Result<()> {
    let (before, _) = notifier.acknowledged();
    let root = root(fleet);
    let mut next = None;
    fleet
        .until("a notification is acknowledged and read", async || {
            let (now, last) = notifier.acknowledged();
            // The first few may have been on their way when the kill came.
            if next.is_none() && now >= before + SOME {
                next = last.and_then(|record| job_id(record).ok());
            }
            match &next {
                Some(id) => {
                    let job = queue.job(&root, id).await;
                    matches!(job, Ok(Some(job)) if job.state == JobState::Done)
                }
                None => false,
            }
        })
        .await
}

/// Whether every acknowledged notification is a job, and none of them is dead.
async fn kept(fleet: &Fleet, queue: &Queue, sent: &Sent) -> Result<Vec<Criterion>> {
    let (mut lost, mut dead) = (0, 0);
    let root = root(fleet);
    for record in &sent.acknowledged {
        match queue.job(&root, &job_id(*record)?).await? {
            None => lost += 1,
            Some(job) => dead += u64::from(job.state == JobState::Dead),
        }
    }
    Ok(vec![
        Criterion::none("owner-killed: acknowledged and lost", lost),
        Criterion::none("owner-killed: dead", dead),
        Criterion::none("owner-killed: refused", sent.refused),
    ])
}

fn root(fleet: &Fleet) -> LaneName {
    let url = fleet.sim.base_url().trim_start_matches("http://");
    let host = url.split(':').next().unwrap_or_default();
    let lanes = business_central_lanes("sim", host, DEFAULT_ENVIRONMENT);
    lanes.top().clone()
}

fn job_id(record: Uuid) -> Result<JobId> {
    let connection = ConnectionName::new("erp")?;
    Ok(JobId::business_central(
        &connection,
        DEFAULT_ENVIRONMENT,
        DEFAULT_COMPANY_ID,
        "purchaseInvoices",
        &record.to_string(),
    ))
}

/// Looks all the time how many servers there are on the folder.
struct Guard {
    stop: Arc<AtomicBool>,
    looking: JoinHandle<usize>,
}

impl Guard {
    fn start(fleet: &Fleet) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, folder) = (stop.clone(), fleet.redis_folder());
        let looking = std::thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(servers_at_once(&folder));
                std::thread::sleep(Duration::from_millis(2));
            }
            most
        });
        Self { stop, looking }
    }

    /// The most servers that were there at one moment.
    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let most = self.looking.join();
        Ok(count(most.map_err(|_| anyhow!("the guard panicked"))?))
    }
}

/// A look takes a while, in which one server may end and the next one start: only those that a second look finds
/// again were there together.
fn servers_at_once(folder: &std::path::Path) -> usize {
    let first = crate::fleet::servers(folder);
    if first.len() < 2 {
        return first.len();
    }
    let first: BTreeSet<u32> = first.into_iter().collect();
    let second: BTreeSet<u32> = crate::fleet::servers(folder).into_iter().collect();
    first.intersection(&second).count()
}
