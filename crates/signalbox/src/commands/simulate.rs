//! `signalbox simulate`: the simulated Microsoft cloud alone, until a signal.

use std::{fs, net::SocketAddr, path::Path, process::ExitCode};

use anyhow::Context as _;
use signalbox_sim::{Fault, SimConfig, Simulator};

use super::output;
use crate::lifecycle;

pub(crate) async fn run(
    bind: SocketAddr,
    faults: Option<&Path>,
    time_scale: f64,
) -> anyhow::Result<ExitCode> {
    let stop = lifecycle::on_signal()?;
    let config = SimConfig {
        bind,
        ..SimConfig::at_scale(time_scale)
    };
    let sim = Simulator::start(config)
        .await
        .with_context(|| format!("the simulator cannot listen on {bind}"))?;
    for fault in faults.map(read_faults).transpose()?.unwrap_or_default() {
        sim.add_fault(fault);
    }
    output::line(&format!("the simulated cloud is at {}", sim.base_url()))?;
    output::line(&format!("verdict: {}/_sim/v1/verdict", sim.base_url()))?;
    stop.cancelled().await;
    sim.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn read_faults(path: &Path) -> anyhow::Result<Vec<Fault>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no JSON list of faults", path.display()))
}
