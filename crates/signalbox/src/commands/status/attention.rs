//! What does not go on before a person has acted, and what to do about it.
//!
//! What ends by itself is not listed: a gate opens at its instant, and posts of a route go on after its baseline.

use jiff::SignedDuration;
use signalbox_core::{KnownCompany, is_route_group, is_unknown_group, route_of_group};
use signalbox_queue::Archived;
use signalbox_queue::JobState;

use super::{Route, Status};

/// One thing that needs a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) what: String,
    pub(super) next_action: String,
}

impl Need {
    fn new(what: impl Into<String>, next_action: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            next_action: next_action.into(),
        }
    }
}

/// Between the clocks of a worker and of Redis.
const AROUND: SignedDuration = SignedDuration::from_mins(1);

/// All of it, the widest first.
pub(super) fn needs(status: &Status) -> Vec<Need> {
    let held = status.routes.iter().filter(|(_, route)| route.is_held());
    let routes = held.map(|(name, route)| {
        let reason = route.state.as_ref().map_or("", |state| &state.reason);
        Need::new(format!("the route `{name}` is held"), reason)
    });
    let lanes = lanes(status);
    let groups = status
        .groups
        .iter()
        .filter_map(|(group, count)| hold(status, group, *count));
    let dead = status.queues.iter().filter_map(|(word, backlog)| {
        let count = backlog.count(JobState::Dead);
        (count > 0).then(|| {
            Need::new(
                format!("dead jobs in `{word}`: {count}"),
                format!(
                    "`signalbox dead list --queue {word}` says why; when the cause is mended, \
                     `signalbox dead replay --queue {word}` brings them back"
                ),
            )
        })
    });
    let archived = status.archived.iter().map(archived);
    let left = status.left.iter().map(left);
    routes
        .chain(left)
        .chain(lanes)
        .chain(groups)
        .chain(archived)
        .chain(dead)
        .collect()
}

fn left(company: &KnownCompany) -> Need {
    let address = &company.address;
    let why = company.left.as_deref().unwrap_or_default();
    Need::new(
        format!(
            "the company `{}` of `{}` is not followed any more: {why}",
            company.name, address.environment
        ),
        format!(
            "name the companies that are meant by their ids in `connections.{}`, which is said until then",
            address.connection
        ),
    )
}

fn lanes(status: &Status) -> Vec<Need> {
    let mut needs = Vec::new();
    for (lane, view) in &status.lanes {
        let lane = lane.as_str();
        if let Some((fault, _)) = &view.broken {
            let what = format!("the lane `{lane}` is broken: {}", fault.cause);
            needs.push(Need::new(what, &fault.next_action));
        }
        if let Some(reason) = &view.paused {
            let what = format!("the lane `{lane}` is paused: {reason}");
            needs.push(Need::new(what, format!("`signalbox lanes open {lane}`")));
        }
    }
    needs
}

fn archived((group, archived): (&String, &Archived)) -> Need {
    // The trail was told by another clock than that of Redis.
    let since = archived.first.checked_sub(AROUND).unwrap_or(archived.first);
    let route = route_of_group(group).unwrap_or(group);
    Need::new(
        format!(
            "archived of `{group}`, because too much was held: {}",
            archived.jobs
        ),
        format!(
            "when the route goes on, `signalbox replay --route {route} --since {since:.0}` has their documents read \
             again; this is said until then, or until `signalbox jobs seen --group {group}` takes them as known"
        ),
    )
}

fn hold(status: &Status, group: &str, count: u64) -> Option<Need> {
    let release = format!("`signalbox jobs release --group {group}`");
    let seen = format!("`signalbox jobs seen --group {group}`");
    let next_action = if is_route_group(group) {
        let named = status.routes.iter();
        let route = named
            .into_iter()
            .find(|(name, _)| route_of_group(group) == Some(name.as_str()));
        waits_for(route.map(|(_, route)| route)).map(|cause| format!("{cause}, or {seen}"))?
    } else if is_unknown_group(group) {
        format!(
            "look into the channel for each document: {release} posts those that are not there, {seen} takes them \
             as posted"
        )
    } else {
        format!("{release} lets them go on, {seen} takes announcements as known")
    };
    Some(Need::new(
        format!("held with `{group}`: {count}"),
        next_action,
    ))
}

/// What a person has to do so that the posts of a route go on; `None` if they do so by themselves.
fn waits_for(route: Option<&Route>) -> Option<&'static str> {
    match route {
        Some(route) if route.is_held() => Some("begin the route anew, as said above"),
        Some(route) if route.enabled => None,
        _ => Some("enable the route or add it again, and restart the workers"),
    }
}

#[cfg(test)]
mod tests;
