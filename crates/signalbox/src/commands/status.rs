//! `signalbox status`: what waits, what is shut and what needs a person. Exits with 1 if anything does.
//!
//! It reads counters, ages, routes, and the lanes that were shut at some time: nothing that grows with the jobs.

mod attention;
mod print;
pub(super) mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;
use signalbox_config::{Companies, Company, Config};
use signalbox_core::{
    COMPANIES, KnownCompany, LaneName, ROUTES, RouteName, RoutePhase, RouteState,
};
use signalbox_queue::{Archived, Attempts, JobState, LaneView, Queue, WorkerView};

use super::{jobs::open, output};
use crate::{cli::Global, listing::spoken};

/// Rates are told of this minute and the one before it.
const MINUTES: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

/// All that is looked at.
#[derive(Debug, Default)]
struct Status {
    /// By the queue's word.
    queues: BTreeMap<String, Backlog>,
    /// Those that are shut now.
    lanes: Vec<(LaneName, LaneView)>,
    /// Groups that hold jobs, and how many.
    groups: BTreeMap<String, u64>,
    /// What was held too much, by group.
    archived: BTreeMap<String, Archived>,
    /// Those that are here, or were a while ago.
    workers: Vec<WorkerView>,
    /// The instant of the look, by Redis' clock.
    now: Timestamp,
    /// The time of which rates are told.
    span: Duration,
    /// By name; those of the configuration, and those that are known from before.
    routes: BTreeMap<RouteName, Route>,
    /// Companies that the configuration names and that are not followed any more.
    left: Vec<KnownCompany>,
}

/// The jobs of one queue that are not over, and the dead ones.
#[derive(Debug, Default)]
struct Backlog {
    jobs: BTreeMap<JobState, i64>,
    oldest_ready: Option<Duration>,
    /// What became of its attempts in the time of which rates are told.
    recent: Attempts,
}

impl Backlog {
    fn count(&self, state: JobState) -> i64 {
        self.jobs.get(&state).copied().unwrap_or(0)
    }
}

/// A route.
#[derive(Debug, Default)]
struct Route {
    /// Whether the configuration has it, and has not disabled it.
    enabled: bool,
    /// What workers entered about it; nothing before its baseline began.
    state: Option<RouteState>,
}

impl Route {
    fn is_held(&self) -> bool {
        let phase = self.state.as_ref().map(|state| state.phase);
        self.enabled && phase == Some(RoutePhase::Held)
    }
}

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let store = open(global).await?;
    let looked = look(&config, &store.queue, None).await;
    store.close().await;
    let status = looked?;
    let needs = attention::needs(&status);
    if global.json {
        output::json(&print::value(&status, &needs))?;
    } else {
        print::people(&status, &needs)?;
    }
    Ok(output::answer(needs.is_empty()))
}

async fn look(
    config: &Config,
    queue: &Queue,
    most_lanes: Option<NonZeroU32>,
) -> anyhow::Result<Status> {
    let mut lanes = super::lanes::lanes(queue, most_lanes).await?;
    lanes.retain(|(_, view)| is_shut(view));
    let mut groups = queue.held_groups().await?;
    groups.retain(|_, count| *count != 0);
    let recent = queue.recent(MINUTES).await?;
    let mut queues = backlogs(queue).await?;
    for (name, attempts) in &recent.queues {
        queues
            .entry(spoken(name).to_owned())
            .or_default()
            .recent
            .add(attempts);
    }
    Ok(Status {
        queues,
        lanes,
        groups,
        archived: queue.archived().await?,
        workers: queue.workers().await?,
        now: recent.now,
        span: recent.span,
        routes: routes(config, queue).await?,
        left: left(config, queue).await?,
    })
}

fn is_shut(view: &LaneView) -> bool {
    view.gate.is_some() || view.paused.is_some() || view.broken.is_some()
}

async fn backlogs(queue: &Queue) -> anyhow::Result<BTreeMap<String, Backlog>> {
    let depth = queue.depth().await?;
    let mut backlogs: BTreeMap<String, Backlog> = BTreeMap::new();
    for ((name, state), count) in &depth {
        let backlog = backlogs.entry(spoken(name).to_owned()).or_default();
        *backlog.jobs.entry(*state).or_default() += count;
    }
    let names: BTreeSet<&String> = depth.keys().map(|(name, _)| name).collect();
    for name in names {
        let age = queue.oldest_ready(name).await?;
        let backlog = backlogs.entry(spoken(name).to_owned()).or_default();
        backlog.oldest_ready = backlog.oldest_ready.max(age);
    }
    Ok(backlogs)
}

/// What only is not seen where all companies are meant has left without anybody's doing.
async fn left(config: &Config, queue: &Queue) -> anyhow::Result<Vec<KnownCompany>> {
    let all = queue.register(COMPANIES).list::<KnownCompany>().await?;
    let is_named = |company: &KnownCompany| {
        let connection = config.business_central(&company.address.connection);
        let companies = connection.map(|connection| &connection.companies);
        let Some(Companies::Named(names)) = companies else {
            return false;
        };
        names.iter().any(|name| match name {
            Company::Id(id) => *id == company.address.company,
            Company::Name(name) => company.configured.as_ref() == Some(name),
        })
    };
    let all = all.into_iter().map(|(_, company)| company);
    Ok(all
        .filter(|company| company.left.is_some() && is_named(company))
        .collect())
}

async fn routes(config: &Config, queue: &Queue) -> anyhow::Result<BTreeMap<RouteName, Route>> {
    let mut routes: BTreeMap<RouteName, Route> = BTreeMap::new();
    for (name, route) in &config.routes {
        routes.entry(name.clone()).or_default().enabled = route.enabled;
    }
    for (name, state) in queue.register(ROUTES).list::<RouteState>().await? {
        routes.entry(RouteName::new(name)?).or_default().state = Some(state);
    }
    Ok(routes)
}
