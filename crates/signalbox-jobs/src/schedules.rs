//! The next tick of every schedule is always in Redis, whoever put it there.
//!
//! Each ingress and worker plants it at its start and from time to time, and every tick plants the one after it. The
//! tick's id is its route and its instant, so that many planters make one job, and it is due by the time of Redis.

use std::collections::BTreeMap;

use jiff::Timestamp;
use signalbox_config::Config;
use signalbox_core::{JobId, RouteName, SCHEDULES, Schedule, ScheduleState, Tick, tick_lanes};
use signalbox_queue::{Enqueued, JobState, NewJob, Queue, QueueError};

/// The schedules of `config` by the names of their routes.
pub fn schedules(config: &Config) -> BTreeMap<RouteName, Schedule> {
    let routes = config.routes.iter();
    let scheduled =
        routes.filter_map(|(name, route)| Some((name.clone(), route.schedule.clone()?)));
    scheduled.collect()
}

/// Sees to it that the next tick of `schedule` is in Redis. After an outage that is the first one that was missed.
pub async fn plant(
    queue: &Queue,
    route: &RouteName,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<(), QueueError> {
    let mut after = begin(queue, route, schedule, now).await?.last_tick;
    while let Some(at) = schedule.next_after(after) {
        let outcome = queue.enqueue(tick(route, at, false)?.due(at)).await?;
        let Enqueued::Absorbed(state) = outcome else {
            return Ok(());
        };
        match state {
            // A person did not want this one, so it was not missed either.
            JobState::Cancelled => {
                advance(queue, route, at, None).await?;
                after = at;
            }
            // It will not come again, and the schedule goes on without it.
            JobState::Done | JobState::Dead => after = at.max(now),
            JobState::Scheduled | JobState::Ready | JobState::Running | JobState::Held => {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Enqueues a tick of `route` for a person, beside its schedule. Returns its id.
pub async fn ask_for_tick(
    queue: &Queue,
    route: &RouteName,
    now: Timestamp,
) -> Result<JobId, QueueError> {
    let job = tick(route, now, true)?;
    let id = job.id().clone();
    queue.enqueue(job).await?;
    Ok(id)
}

fn tick(route: &RouteName, at: Timestamp, asked: bool) -> Result<NewJob, QueueError> {
    let route = route.clone();
    let id = JobId::tick(&route, at, asked);
    NewJob::new(id, tick_lanes(), Tick { route, at, asked }, None)
}

/// Where `route` stands; entered if it is new, and begun anew if its ticks are others than they were.
pub(crate) async fn begin(
    queue: &Queue,
    route: &RouteName,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<ScheduleState, QueueError> {
    let beginning = ScheduleState::beginning(schedule, now);
    let register = queue.register(SCHEDULES);
    let entered = register.update(route.as_str(), |old| {
        Some(match old {
            Some(old) => ScheduleState::under(old, schedule, now),
            None => beginning.clone(),
        })
    });
    Ok(entered.await?.unwrap_or(beginning))
}

/// Notes that every tick up to `last` is settled, and which work the newest one made. Never goes back.
pub(crate) async fn advance(
    queue: &Queue,
    route: &RouteName,
    last: Timestamp,
    work: Option<JobId>,
) -> Result<(), QueueError> {
    let register = queue.register(SCHEDULES);
    let advanced = register.update(route.as_str(), |old: Option<ScheduleState>| {
        let mut state = old?;
        state.last_tick = state.last_tick.max(last);
        if work.is_some() {
            state.work.clone_from(&work);
        }
        Some(state)
    });
    advanced.await.map(drop)
}
