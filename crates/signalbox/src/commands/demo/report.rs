//! What the demo prints: where things are, each delivery, and the result.

use std::time::Duration;

use serde::Serialize;
use signalbox_config::Config;
use signalbox_queue::{JobState, Queue};
use signalbox_sim::SimHandle;

use super::output;
use crate::cli::Global;

/// How long one wait for a delivery lasts; the next follows at once.
const WAIT: Duration = Duration::from_secs(3600);

/// The result of a demo, measured at the simulator.
#[derive(Debug, Serialize)]
pub(super) struct Result {
    signals: u64,
    delivered: u64,
    duplicates: u64,
    lost: u64,
    dead: i64,
    p50_ms: f64,
    p99_ms: f64,
    waited_ms: f64,
}

impl Result {
    pub(super) async fn of(sim: &SimHandle, queue: &Queue) -> anyhow::Result<Self> {
        let verdict = sim.verdict();
        let depth = queue.depth().await?;
        let dead = depth
            .iter()
            .filter(|((_, state), _)| *state == JobState::Dead);
        let signals = sim.notifications();
        Ok(Self {
            signals: signals.iter().map(|sent| sent.elements as u64).sum(),
            delivered: verdict.delivered,
            duplicates: verdict.duplicates.count,
            lost: verdict.lost.count,
            dead: dead.map(|(_, count)| count).sum(),
            p50_ms: verdict.latency.p50_ms,
            p99_ms: verdict.latency.p99_ms,
            waited_ms: verdict.waited_ms,
        })
    }

    pub(super) fn is_clean(&self) -> bool {
        self.duplicates == 0 && self.lost == 0 && self.dead == 0
    }

    pub(super) fn print(&self) -> anyhow::Result<()> {
        output::line("")?;
        output::line(&format!(
            "{} signals, {} cards delivered: {} lost, {} duplicates, {} dead jobs",
            self.signals, self.delivered, self.lost, self.duplicates, self.dead
        ))?;
        output::line(&format!(
            "from the notification to the card: p50 {:.1} ms, p99 {:.1} ms; held back by the channels' limits: {:.0} ms in all",
            self.p50_ms, self.p99_ms, self.waited_ms
        ))?;
        Ok(())
    }
}

/// Where things are.
pub(super) fn opening(sim: &SimHandle, config: &Config) -> anyhow::Result<()> {
    output::line(
        "Signalbox demo: a simulated company posts and pays purchase invoices, a hundred times as fast",
    )?;
    output::line(&format!(
        "  simulated cloud  {}/_sim/v1/verdict",
        sim.base_url()
    ))?;
    if let Some(url) = &config.ingress.public_url {
        output::line(&format!(
            "  ingress          {}/hooks/business-central/erp/…",
            url.as_str()
        ))?;
    }
    output::line(&format!(
        "  routes           {} purchasers, each to a channel of its own",
        config.routes.len()
    ))?;
    output::line("")?;
    Ok(())
}

/// Prints each delivery as it happens; for JSON it only waits.
pub(super) async fn deliveries(global: &Global, sim: &SimHandle) -> anyhow::Result<()> {
    if global.json {
        std::future::pending::<()>().await;
    }
    let mut shown = 0;
    loop {
        sim.wait_for_effects(shown + 1, WAIT).await;
        let before = shown;
        for effect in sim
            .effects()
            .into_iter()
            .filter(|effect| effect.seq > before)
        {
            shown = shown.max(effect.seq);
            let card = effect.card.unwrap_or_default();
            let text = card["fallbackText"].as_str().unwrap_or("a card");
            let status = card["body"][2]["facts"]
                .as_array()
                .and_then(|facts| facts.last());
            let status = status.and_then(|fact| fact["value"].as_str()).unwrap_or("");
            output::line(&format!("{:<13} {text}  [{status}]", effect.channel_name))?;
        }
    }
}
