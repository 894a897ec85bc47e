//! One file per command. A command returns its exit code: 0 ok, 1 a negative answer; an error makes it 2.

mod check;
mod completions;
mod config;
mod dead;
mod demo;
mod healthcheck;
mod jobs;
mod lanes;
mod man;
mod output;
mod replay;
mod routes;
mod run;
mod schedules;
mod secrets;
mod simulate;
mod status;
mod subscriptions;
mod trail;

use std::{process::ExitCode, time::Duration};

use crate::cli::{Cli, Command};

/// Runs one command.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::All => run::all(&global).await,
        Command::Check { online } => check::run(&global, online).await,
        Command::Completions { shell } => completions::run(&global, shell),
        Command::Config { command } => config::run(&global, &command),
        Command::Dead { command } => dead::run(&global, &command).await,
        Command::Demo { exit_after_secs } => {
            demo::run(&global, exit_after_secs.map(Duration::from_secs)).await
        }
        Command::Healthcheck => healthcheck::run(&global).await,
        Command::Ingress => run::ingress(&global).await,
        Command::Jobs { command } => jobs::run(&global, &command).await,
        Command::Lanes { command } => lanes::run(&global, &command).await,
        Command::Man { folder } => man::run(&global, folder.as_deref()),
        Command::RedisWatch { folder, idle_ms } => {
            crate::redis_server::watch(&folder, Duration::from_millis(idle_ms)).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay(which) => replay::run(&global, &which).await,
        Command::Routes { command } => routes::run(&global, &command).await,
        Command::Schedules { command } => schedules::run(&global, &command).await,
        Command::Secrets { command } => secrets::run(&global, &command),
        Command::Simulate {
            bind,
            faults,
            purchasers,
            time_scale,
            traffic,
        } => {
            let simulate = simulate::Simulate {
                bind,
                faults: faults.as_deref(),
                purchasers,
                time_scale,
                rate: traffic,
            };
            simulate.run().await
        }
        Command::Status { watch: false, .. } => status::run(&global).await,
        Command::Status { every, .. } => {
            status::watch::run(&global, Duration::from_secs(every)).await
        }
        Command::Subscriptions { command } => subscriptions::run(&global, &command).await,
        Command::Trail { command } => trail::run(&global, &command).await,
        Command::Worker {
            queues,
            concurrency,
        } => run::worker(&global, &queues, concurrency).await,
    }
}
