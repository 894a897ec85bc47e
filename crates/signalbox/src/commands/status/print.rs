//! The status as JSON for programs, and as tables for people.

use std::{fmt::Write as _, io, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use signalbox_queue::{JobState, WorkerView};

use super::{
    super::{lanes, output, routes},
    Backlog, Route, Status,
    attention::Need,
};
use crate::listing::spoken;

/// The states that are counted, in the order of a job's life.
pub(super) const STATES: [JobState; 5] = [
    JobState::Scheduled,
    JobState::Ready,
    JobState::Running,
    JobState::Held,
    JobState::Dead,
];

pub(super) fn value(status: &Status, needs: &[Need]) -> Value {
    let lanes = status
        .lanes
        .iter()
        .map(|(lane, view)| lanes::row(lane, view));
    let held = status.groups.iter();
    let held = held.map(|(group, count)| json!({ "group": group, "jobs": count }));
    let archived = status.archived.iter();
    let archived = archived.map(|(group, archived)| {
        json!({ "group": group, "jobs": archived.jobs, "first": archived.first, "last": archived.last })
    });
    let routes = status.routes.iter().map(
        |(name, route)| json!({ "route": name, "enabled": route.enabled, "state": route.state }),
    );
    let needs = needs
        .iter()
        .map(|need| json!({ "what": need.what, "next_action": need.next_action }));
    let workers = status.workers.iter().map(worker);
    json!({
        "queues": status.queues.iter().map(queue).collect::<Value>(),
        "done_in_secs": status.span.as_secs_f64(),
        "workers": workers.collect::<Value>(),
        "shut_lanes": lanes.collect::<Value>(),
        "held": held.collect::<Value>(),
        "archived": archived.collect::<Value>(),
        "routes": routes.collect::<Value>(),
        "needs_a_person": needs.collect::<Value>(),
    })
}

fn queue((word, backlog): (&String, &Backlog)) -> Value {
    let mut row = json!({
        "queue": word,
        "oldest_ready_secs": backlog.oldest_ready.map(|age| age.as_secs_f64()),
        "done": backlog.recent.done(),
        "p50_ms": took(backlog, 0.5),
        "p99_ms": took(backlog, 0.99),
    });
    for state in STATES {
        row[state.as_str()] = backlog.count(state).into();
    }
    row
}

fn took(backlog: &Backlog, share: f64) -> Option<u64> {
    let took = backlog.recent.quantile(share)?;
    u64::try_from(took.as_millis()).ok()
}

fn worker(view: &WorkerView) -> Value {
    let queues = view.roll.queues.iter();
    let queues = queues.map(
        |(name, load)| json!({ "queue": spoken(name), "running": load.running, "most": load.most }),
    );
    json!({
        "name": view.roll.name,
        "version": view.roll.version,
        "since": view.roll.since,
        "seen": view.seen,
        "fetched": view.fetched(),
        "queues": queues.collect::<Value>(),
    })
}

pub(super) fn people(status: &Status, needs: &[Need]) -> io::Result<()> {
    let mut lines = vec![heading()];
    lines.extend(status.queues.iter().map(backlog));
    for (lane, view) in &status.lanes {
        lines.push(format!("lane `{}`: {}", lane.as_str(), lanes::words(view)));
    }
    for (group, count) in &status.groups {
        lines.push(format!("held with `{group}`: {count}"));
    }
    lines.extend(status.routes.iter().filter_map(|(name, route)| {
        let word = phase(route);
        (word != "active").then(|| format!("route `{name}`: {word}"))
    }));
    if needs.is_empty() {
        lines.push("nothing needs a person".to_owned());
    } else {
        lines.push("this needs a person:".to_owned());
    }
    for need in needs {
        lines.push(format!("  {}", need.what));
        lines.push(format!("      {}", need.next_action));
    }
    lines
        .iter()
        .try_for_each(|line| output::line(&output::plain(line)))
}

fn heading() -> String {
    let mut line = format!("{:<10}", "queue");
    for state in STATES {
        write!(line, "{:>11}", state.as_str()).ok();
    }
    line + "  oldest ready"
}

fn backlog((word, backlog): (&String, &Backlog)) -> String {
    let mut line = format!("{word:<10}");
    for state in STATES {
        write!(line, "{:>11}", backlog.count(state)).ok();
    }
    let age = backlog.oldest_ready.map(age).unwrap_or_default();
    format!("{line}  {age}").trim_end().to_owned()
}

fn age(age: Duration) -> String {
    // Whole seconds, because nobody who looks at this decides by less.
    format!(
        "{:#}",
        SignedDuration::from_secs(age.as_secs().cast_signed())
    )
}

pub(super) fn phase(route: &Route) -> &'static str {
    match &route.state {
        _ if !route.enabled => "disabled or not configured",
        Some(state) => routes::word(state.phase),
        None => "new",
    }
}
