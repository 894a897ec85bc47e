//! `signalbox demo`: the whole product against the simulated cloud, on an embedded Redis of its own.
//!
//! Everything is real but the cloud: the Redis, the HTTP, the limits, the roles. The result is measured at the
//! simulator, which knows what ought to have been delivered.

mod report;
mod setting;

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use signalbox_config::{Config, Environment, Queue as Kind};
use signalbox_core::{ROUTES, RoutePhase, RouteState};
use signalbox_queue::Pulse;
use signalbox_sim::{SimHandle, Simulator, Traffic};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::output;
use crate::{assembly::Store, cli::Global, lifecycle, logging, roles, telemetry::Telemetry};

/// How long everything may take to be ready, and to be delivered in the end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Steps of business per second.
const RATE: f64 = 40.0;

/// A running demo.
struct Demo<'a> {
    global: &'a Global,
    config: &'a Config,
    store: &'a Store,
    sim: &'a SimHandle,
    stop: &'a CancellationToken,
}

pub(crate) async fn run(global: &Global, exit_after: Option<Duration>) -> anyhow::Result<ExitCode> {
    let stop = lifecycle::on_signal()?;
    let folder = tempfile::Builder::new()
        .prefix("signalbox-demo-")
        .tempdir()?;
    let sim = Simulator::start(setting::cloud()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let config = setting::config(&sim, folder.path(), listener.local_addr()?)?;
    let telemetry = Telemetry::start(&config, "signalbox-demo")?;
    logging::start(&config.observe, &telemetry)?;
    let environment = Environment::from_process();
    let path = environment.variable("PATH").unwrap_or_default();
    let store = Store::open(&config, path).await?;
    let demo = Demo {
        global,
        config: &config,
        store: &store,
        sim: &sim,
        stop: &stop,
    };
    let played = demo.run(listener, exit_after).await;
    store.close().await;
    telemetry.close().await;
    sim.stop().await;
    stop.cancel();
    played
}

impl Demo<'_> {
    async fn run(
        &self,
        listener: TcpListener,
        exit_after: Option<Duration>,
    ) -> anyhow::Result<ExitCode> {
        let end = CancellationToken::new();
        let queue = self.store.queue.clone();
        let kinds = [Kind::CatchUp, Kind::Post, Kind::Read, Kind::Renew].into();
        let play = async {
            let played = self.play(exit_after).await;
            end.cancel();
            played
        };
        let (played, received, worked) = tokio::join!(
            play,
            roles::ingress(self.config, queue, listener, end.clone()),
            roles::worker(
                self.config,
                self.store,
                &kinds,
                Pulse::default(),
                end.clone()
            ),
        );
        received.and(worked)?;
        played
    }

    async fn play(&self, exit_after: Option<Duration>) -> anyhow::Result<ExitCode> {
        self.ready().await?;
        if !self.global.json {
            report::opening(self.sim, self.config)?;
        }
        let traffic = self.sim.start_traffic(Traffic {
            rate_per_sec: RATE,
            purchasers: setting::CHANNELS,
            ..Traffic::default()
        });
        let end = async {
            match exit_after {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            shown = report::deliveries(self.global, self.sim) => shown?,
            () = end => {}
            () = self.stop.cancelled() => {}
        }
        traffic.stop();
        self.sim.wait_until_delivered(PATIENCE).await;
        let result = report::Result::of(self.sim, &self.store.queue).await?;
        if self.global.json {
            output::json(&serde_json::to_value(&result)?)?;
        } else {
            result.print()?;
        }
        Ok(if result.is_clean() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Returns when every route announces and the simulator knows our subscription.
    async fn ready(&self) -> anyhow::Result<()> {
        let ready = async {
            loop {
                let states = self.store.queue.register(ROUTES).list().await?;
                let active = states
                    .iter()
                    .filter(|(_, state): &&(String, RouteState)| state.phase == RoutePhase::Active);
                if active.count() == self.config.routes.len()
                    && !self.sim.subscriptions().is_empty()
                {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, ready).await {
            Ok(ready) => ready,
            Err(_) => bail!("the demo did not get ready within {PATIENCE:?}"),
        }
    }
}
