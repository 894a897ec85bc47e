use jiff::Timestamp;
use signalbox_core::{LaneName, RouteName, RoutePhase, RouteState};
use signalbox_queue::{Archived, JobState, LaneFault, LaneView};

use super::{
    super::{Backlog, Route, Status},
    needs,
};

fn route(enabled: bool, phase: Option<RoutePhase>) -> Route {
    let state = phase.map(|phase| RouteState {
        phase,
        since: Timestamp::UNIX_EPOCH,
        reason: "redis has forgotten".to_owned(),
        begun: None,
    });
    Route { enabled, state }
}

/// What is needed when ten posts of the route wait for it.
fn waiting_for(route: Route) -> Vec<String> {
    let mut status = Status::default();
    status
        .routes
        .insert(RouteName::new("invoices").unwrap(), route);
    status.groups.insert("route/invoices".to_owned(), 10);
    said(&status)
}

fn said(status: &Status) -> Vec<String> {
    let needs = needs(status).into_iter();
    needs
        .map(|need| format!("{} -> {}", need.what, need.next_action))
        .collect()
}

#[test]
fn what_goes_on_by_itself_needs_nobody() {
    let mut status = Status::default();
    let gated = LaneView {
        gate: Some((Timestamp::UNIX_EPOCH, "429".to_owned())),
        ..LaneView::default()
    };
    status.lanes.push((LaneName::new(["teams"]), gated));
    let backlog = status.queues.entry("post".to_owned()).or_default();
    *backlog = Backlog {
        jobs: [(JobState::Ready, 9), (JobState::Dead, 0)].into(),
        oldest_ready: None,
        ..Backlog::default()
    };
    assert!(said(&status).is_empty());
    for phase in [None, Some(RoutePhase::Baselining), Some(RoutePhase::Active)] {
        assert!(waiting_for(route(true, phase)).is_empty());
    }
}

#[test]
fn a_held_route_says_what_it_was_held_with() {
    let needs = waiting_for(route(true, Some(RoutePhase::Held)));
    assert_eq!(needs.len(), 2);
    assert_eq!(
        needs[0],
        "the route `invoices` is held -> redis has forgotten"
    );
    assert!(
        needs[1].starts_with("held with `route/invoices`: 10"),
        "{needs:?}"
    );
}

#[test]
fn posts_of_a_route_that_is_disabled_wait_for_a_person() {
    let needs = waiting_for(route(false, Some(RoutePhase::Active)));
    assert!(needs[0].contains("enable the route"), "{needs:?}");
    let status = Status {
        groups: [("route/gone".to_owned(), 1)].into(),
        ..Status::default()
    };
    assert!(said(&status)[0].contains("add it again"));
}

#[test]
fn a_post_of_unknown_fate_is_not_released_before_somebody_looked() {
    let status = Status {
        groups: [("unknown/invoices".to_owned(), 1)].into(),
        ..Status::default()
    };
    assert!(said(&status)[0].contains("look into the channel"));
}

#[test]
fn a_lane_that_is_broken_and_paused_needs_both_mended() {
    let fault = LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "make a new one".to_owned(),
    };
    let view = LaneView {
        broken: Some((fault, Timestamp::UNIX_EPOCH)),
        paused: Some("maintenance".to_owned()),
        ..LaneView::default()
    };
    let status = Status {
        lanes: vec![(LaneName::new(["teams"]), view)],
        ..Status::default()
    };
    assert_eq!(
        said(&status),
        [
            "the lane `teams` is broken: the secret has expired -> make a new one",
            "the lane `teams` is paused: maintenance -> `signalbox lanes open teams`",
        ]
    );
}

#[test]
fn what_was_archived_is_said_with_the_replay_that_brings_it_back() {
    let archived = Archived {
        jobs: 12,
        first: Timestamp::UNIX_EPOCH,
        last: Timestamp::UNIX_EPOCH,
    };
    let status = Status {
        archived: [("route/invoices".to_owned(), archived)].into(),
        ..Status::default()
    };
    let needs = said(&status);
    assert_eq!(needs.len(), 1);
    assert!(needs[0].contains("`route/invoices`, because too much was held: 12"));
    let replay = "`signalbox replay --route invoices --since 1969-12-31T23:59:00Z`";
    assert!(needs[0].contains(replay), "{}", needs[0]);
}
