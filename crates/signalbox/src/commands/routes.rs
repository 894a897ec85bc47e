//! `signalbox routes`: what each route may do, and a new beginning for one.

use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_core::{ROUTES, RouteName, RoutePhase, RouteState, hold_group};
use signalbox_queue::Trail;

use super::{jobs::open, output};
use crate::{
    assembly::{self, Store},
    cli::{Global, RoutesCommand},
};

pub(crate) async fn run(global: &Global, command: &RoutesCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        RoutesCommand::List => list(global, &store).await,
        RoutesCommand::Baseline { route } => baseline(global, &store, route).await,
    };
    store.close().await;
    done
}

async fn list(global: &Global, store: &Store) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let register = store.queue.register(ROUTES);
    let mut rows = Vec::new();
    for name in config.routes.keys() {
        let state: Option<RouteState> = register.get(name.as_str()).await?;
        let held = store.queue.held_count(&hold_group(name)).await?;
        rows.push((name, state, held));
    }
    if global.json {
        let rows = rows
            .iter()
            .map(|(name, state, held)| json!({ "route": name, "state": state, "held": held }));
        output::json(&rows.collect::<Value>())?;
    } else {
        for (name, state, held) in &rows {
            let (phase, reason) = state.as_ref().map_or(("new", ""), |state| {
                (word(state.phase), state.reason.as_str())
            });
            output::line(&format!("{name:<24} {phase:<11} {held:>6} held  {reason}"))?;
        }
    }
    let all_active = rows.iter().all(|(_, state, _)| {
        state
            .as_ref()
            .is_some_and(|state| state.phase == RoutePhase::Active)
    });
    Ok(if all_active {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The word for a phase.
pub(super) fn word(phase: RoutePhase) -> &'static str {
    match phase {
        RoutePhase::Active => "active",
        RoutePhase::Baselining => "baselining",
        RoutePhase::Held => "held",
    }
}

async fn baseline(global: &Global, store: &Store, route: &str) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let context = assembly::context(&config, store.queue.clone(), Trail::nowhere())?;
    let name = RouteName::new(route)?;
    signalbox_jobs::restart_baseline(&context, &name).await?;
    if global.json {
        output::json(&json!({ "route": name, "state": "baselining" }))?;
    } else {
        output::line(&format!(
            "a worker now takes what exists as known for `{name}`; `signalbox routes list` shows when it has"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
