//! From the notification to the card when there is little to do.

use std::time::Duration;

use anyhow::Result;
use signalbox_sim::{Traffic, Verdict};
use tokio::time::sleep;

use super::{Criterion, Size};
use crate::fleet::{Fleet, Process, Setting};

/// Steps of business per second.
const RATE: f64 = 2.0;

/// The default is `all`. As a separate ingress and worker the figures are told without a limit.
pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let one = measure(&["all"], size).await?;
    let two = measure(&["ingress", "worker"], size).await?;
    Ok(vec![
        Criterion::at_least("latency: cards", one.latency.count, size.pick(60, 5)),
        Criterion::none("latency: lost", one.lost.count),
        Criterion::below_ms("latency: p50", one.latency.p50_ms, 4.0),
        Criterion::below_ms("latency: p99", one.latency.p99_ms, 10.0),
        Criterion::told_ms("latency: slowest, the first card", one.latency.max_ms),
        Criterion::told_ms("latency: p50 with two processes", two.latency.p50_ms),
        Criterion::told_ms("latency: p99 with two processes", two.latency.p99_ms),
    ])
}

async fn measure(roles: &[&str], size: Size) -> Result<Verdict> {
    // One channel: only the first card waits for tokens and for the names to be looked up.
    let fleet = Fleet::prepare(Setting {
        channels: 1,
        lease_secs: 10,
        ..Setting::default()
    })
    .await?;
    let running: Vec<Process> = roles
        .iter()
        .map(|role| fleet.start(role))
        .collect::<Result<_>>()?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let traffic = fleet.sim.start_traffic(Traffic {
        rate_per_sec: RATE,
        purchasers: 1,
        ..Traffic::default()
    });
    sleep(size.pick(Duration::from_secs(60), Duration::from_secs(5))).await;
    traffic.stop();
    let verdict = fleet.drain(&queue).await?;
    for role in running {
        role.stop().await?;
    }
    Ok(verdict)
}
