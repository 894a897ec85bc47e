//! `signalbox simulate`: the simulated Microsoft cloud alone, until a signal.

use std::{fs, net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use signalbox_sim::{Fault, SimConfig, SimHandle, Simulator, TeamSpec, Traffic};

use super::output;
use crate::lifecycle;

/// Nobody needs to come.
const FOREVER: Duration = Duration::from_secs(365 * 86_400);

/// What is simulated.
#[derive(Debug)]
pub(crate) struct Simulate<'a> {
    /// Where it listens.
    pub(crate) bind: SocketAddr,
    /// A file of faults to begin with.
    pub(crate) faults: Option<&'a Path>,
    /// Whose business is played, each with a channel.
    pub(crate) purchasers: usize,
    /// What times are multiplied by.
    pub(crate) time_scale: f64,
    /// Steps of business per second, if any is played.
    pub(crate) rate: Option<f64>,
}

impl Simulate<'_> {
    pub(crate) async fn run(&self) -> anyhow::Result<ExitCode> {
        let stop = lifecycle::on_signal()?;
        let sim = Simulator::start(self.cloud())
            .await
            .with_context(|| format!("the simulator cannot listen on {}", self.bind))?;
        let faults = self.faults.map(read_faults).transpose()?;
        for fault in faults.unwrap_or_default() {
            sim.add_fault(fault);
        }
        output::line(&format!("the simulated cloud is at {}", sim.base_url()))?;
        output::line(&format!("verdict: {}/_sim/v1/verdict", sim.base_url()))?;
        tokio::select! {
            () = self.play(&sim) => stop.cancelled().await,
            () = stop.cancelled() => {}
        }
        sim.stop().await;
        Ok(ExitCode::SUCCESS)
    }

    fn cloud(&self) -> SimConfig {
        let mut cloud = SimConfig {
            bind: self.bind,
            // Alerts about subscriptions that end are about real days.
            ..SimConfig::at_scale(self.time_scale).with_real_subscriptions()
        };
        let teams = cloud.teams.drain(..);
        let teams: Vec<TeamSpec> = teams
            .map(|team| team.with_purchasers(self.purchasers))
            .collect();
        cloud.teams = teams;
        cloud
    }

    /// Plays business once somebody can announce it; what happened before would be taken as known.
    async fn play(&self, sim: &SimHandle) {
        let Some(rate_per_sec) = self.rate else {
            return;
        };
        if sim.wait_until_followed(FOREVER).await {
            sim.play(Traffic {
                rate_per_sec,
                purchasers: self.purchasers,
                ..Traffic::default()
            });
        }
    }
}

fn read_faults(path: &Path) -> anyhow::Result<Vec<Fault>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no JSON list of faults", path.display()))
}
