//! `signalbox schedules`: when each route ticks, and one tick by hand.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_core::{JobId, RouteName, SCHEDULES, Schedule, ScheduleState};
use signalbox_queue::{JobState, Queue};

use super::{jobs::open, output};
use crate::{
    assembly::{self, Store},
    cli::{Global, SchedulesCommand},
};

pub(crate) async fn run(global: &Global, command: &SchedulesCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        SchedulesCommand::List => list(global, &store).await,
        SchedulesCommand::Run { route } => tick(global, &store, route).await,
    };
    store.close().await;
    done
}

/// One schedule as it is printed.
struct Row {
    route: RouteName,
    schedule: Schedule,
    /// None until a role has seen the schedule.
    state: Option<ScheduleState>,
    next: Option<Timestamp>,
    /// What has become of the next tick's job; none if nobody has enqueued it.
    tick: Option<JobState>,
    /// What has become of the look that the last tick made.
    work: Option<JobState>,
}

impl Row {
    async fn of(queue: &Queue, route: RouteName, schedule: Schedule) -> anyhow::Result<Self> {
        let state: Option<ScheduleState> = queue.register(SCHEDULES).get(route.as_str()).await?;
        let now = assembly::clock().now();
        let state = state.map(|state| state.under(&schedule, now));
        let after = state.as_ref().map_or(now, |state| state.last_tick);
        let next = schedule.next_after(after);
        let tick = match next {
            Some(next) => state_of(queue, &JobId::tick(&route, next, false)).await?,
            None => None,
        };
        let work = match state.as_ref().and_then(|state| state.work.as_ref()) {
            Some(work) => state_of(queue, work).await?,
            None => None,
        };
        Ok(Self {
            route,
            schedule,
            state,
            next,
            tick,
            work,
        })
    }

    fn json(&self) -> Value {
        json!({
            "route": self.route,
            "cron": self.schedule.cron.to_string(),
            "time_zone": self.schedule.time_zone.to_string(),
            "misfire": self.schedule.misfire,
            "overlap": self.schedule.overlap,
            "last_tick": self.state.as_ref().map(|state| state.last_tick),
            "next_tick": self.next,
            "tick_state": self.tick.map(JobState::as_str),
            "work": self.state.as_ref().and_then(|state| state.work.as_ref()),
            "work_state": self.work.map(JobState::as_str),
        })
    }

    fn line(&self) -> String {
        let instant = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), output::instant);
        let last = instant(self.state.as_ref().map(|state| state.last_tick));
        let work = self.work.map_or("none", JobState::as_str);
        let tick = self.tick.map_or("not enqueued", JobState::as_str);
        format!(
            "{:<24} {:<32} last {last:<20}  next {:<20} {tick}  look {work}",
            self.route.as_str(),
            self.schedule.ticks(),
            instant(self.next)
        )
    }
}

async fn state_of(queue: &Queue, id: &JobId) -> anyhow::Result<Option<JobState>> {
    Ok(queue.find_job(id).await?.map(|job| job.state))
}

async fn list(global: &Global, store: &Store) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let mut rows = Vec::new();
    for (route, schedule) in signalbox_jobs::schedules(&config) {
        rows.push(Row::of(&store.queue, route, schedule).await?);
    }
    if global.json {
        output::json(&rows.iter().map(Row::json).collect::<Value>())?;
    } else {
        for row in &rows {
            output::line(&row.line())?;
        }
    }
    // A schedule whose next tick nobody enqueued does not tick.
    let planted = |row: &Row| {
        matches!(
            row.tick,
            Some(JobState::Scheduled | JobState::Ready | JobState::Running)
        )
    };
    Ok(output::answer(rows.iter().all(planted)))
}

async fn tick(global: &Global, store: &Store, route: &str) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let name = RouteName::new(route)?;
    let found = config.routes.get(&name).with_context(|| {
        format!("there is no route `{name}`; `signalbox routes list` shows those that exist")
    })?;
    if found.schedule.is_none() {
        bail!("the route `{name}` has no schedule; write `routes.{name}.schedule`");
    }
    let now = assembly::clock().now();
    let id = signalbox_jobs::ask_for_tick(&store.queue, &name, now).await?;
    if global.json {
        output::json(&json!({ "route": name, "job": id }))?;
    } else {
        output::line(&format!(
            "{id} was enqueued; `signalbox jobs show` says what it made"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
