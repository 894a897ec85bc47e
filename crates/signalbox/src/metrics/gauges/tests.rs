use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{CompanyAddress, ConnectionName, LaneName, PollsInstead, Subscription};
use signalbox_queue::LaneView;
use uuid::Uuid;

use super::{State, Text, of_redis};
use crate::metrics::Known;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The samples of one metric in what is written of `state`.
fn samples(state: &State, name: &str) -> Vec<String> {
    let listened = [("erp".to_owned(), "purchaseInvoices".to_owned())];
    let known = Known {
        secrets: Vec::new(),
        listened: BTreeSet::from(listened),
    };
    let mut text = Text::default();
    of_redis(&mut text, state, &known, NOW);
    let text = text.into_string();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.map(str::to_owned).collect()
}

fn closed(lane: &str, until: Timestamp) -> (LaneName, LaneView) {
    let view = LaneView {
        gate: Some((until, "429".to_owned())),
        ..LaneView::default()
    };
    (LaneName::new([lane]), view)
}

fn subscription(set: &str, expires_at: Option<Timestamp>) -> Subscription {
    let at = CompanyAddress {
        connection: ConnectionName::new("erp").unwrap(),
        environment: "Production".to_owned(),
        company: Uuid::nil(),
    };
    Subscription {
        expires_at,
        ..Subscription::begun(&at, set, set.to_owned(), NOW)
    }
}

fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

#[test]
fn of_closed_lanes_a_thousand_are_shown_and_no_more() {
    let lanes = (0..1001).map(|number| closed(&number.to_string(), later(60)));
    let state = State {
        lanes: Some(lanes.collect()),
        ..State::default()
    };
    assert_eq!(samples(&state, "signalbox_gate_closed_seconds").len(), 1000);
}

#[test]
fn a_gate_says_how_long_it_is_closed_and_nothing_once_it_has_opened() {
    let state = State {
        lanes: Some(vec![closed("a", later(90)), closed("b", later(-1))]),
        ..State::default()
    };
    assert_eq!(
        samples(&state, "signalbox_gate_closed_seconds"),
        ["signalbox_gate_closed_seconds{lane=\"a\"} 90"]
    );
}

#[test]
fn only_subscriptions_that_a_route_needs_are_shown_until_and_after_their_end() {
    let state = State {
        subscriptions: Some(vec![
            subscription("purchaseInvoices", Some(later(-5))),
            subscription("vendors", Some(later(60))),
        ]),
        ..State::default()
    };
    assert_eq!(
        samples(&state, "signalbox_subscription_expiry_seconds"),
        [
            "signalbox_subscription_expiry_seconds{connection=\"erp\",entity=\"purchaseInvoices\"} -5"
        ]
    );
    let state = State {
        subscriptions: Some(vec![subscription("purchaseInvoices", None)]),
        ..State::default()
    };
    assert!(samples(&state, "signalbox_subscription").is_empty());
}

#[test]
fn of_several_companies_the_one_that_ends_first_is_shown_without_those_that_poll_or_have_left() {
    let of = |company, ends| {
        let mut one = subscription("purchaseInvoices", Some(later(ends)));
        one.company = Uuid::from_u128(company);
        one
    };
    let mut polls = of(3, 30);
    polls.polls_instead = Some(PollsInstead {
        since: NOW,
        reason: "no room".to_owned(),
        again_at: None,
    });
    let gone = of(4, 10);
    let left = CompanyAddress {
        connection: gone.connection.clone(),
        environment: "Production".to_owned(),
        company: gone.company,
    };
    let state = State {
        // The first company has two records for a moment.
        subscriptions: Some(vec![of(1, 20), of(1, 90), of(2, 60), polls, gone]),
        left: Some(vec![left]),
        ..State::default()
    };
    assert_eq!(
        samples(&state, "signalbox_subscription_expiry_seconds"),
        [
            "signalbox_subscription_expiry_seconds{connection=\"erp\",entity=\"purchaseInvoices\"} 60"
        ]
    );
}

#[test]
fn what_redis_did_not_say_has_no_sample() {
    assert!(samples(&State::default(), "signalbox_").is_empty());
}
