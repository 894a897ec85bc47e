use serde_json::json;

use super::*;
use crate::clock;

const COMPANY: Uuid = Uuid::from_u128(1);
const RECORD: Uuid = Uuid::from_u128(2);

fn oracle() -> Oracle {
    Oracle::expecting(&["Open".into(), "Paid".into()])
}

fn take(oracle: &mut Oracle, status: InvoiceStatus) {
    oracle.took((COMPANY, RECORD), "PPI-1", status, clock::now());
}

fn card(oracle: &mut Oracle, text: &str) {
    let words = Words::of(&json!({ "body": [{ "type": "TextBlock", "text": text }] }));
    let card = Delivery {
        words: &words,
        arrived: Instant::now(),
        at: clock::now(),
    };
    oracle.card(&card, |_, _| Duration::ZERO);
}

#[test]
fn a_first_card_delivers_and_a_second_is_a_duplicate() {
    let mut oracle = oracle();
    take(&mut oracle, InvoiceStatus::Open);
    card(&mut oracle, "PPI-1 Open");
    card(&mut oracle, "PPI-1 Open");
    let verdict = oracle.verdict();
    assert_eq!((verdict.expected, verdict.delivered), (1, 1));
    assert_eq!((verdict.lost.count, verdict.duplicates.count), (0, 1));
}

#[test]
fn a_status_nobody_could_read_is_unseen() {
    let mut oracle = oracle();
    take(&mut oracle, InvoiceStatus::Open);
    take(&mut oracle, InvoiceStatus::Paid);
    let verdict = oracle.verdict();
    assert_eq!((verdict.unseen, verdict.lost.count), (1, 1));
    assert_eq!(oracle.outstanding(), 1);
}

#[test]
fn a_status_that_was_read_and_left_is_lost() {
    let mut oracle = oracle();
    take(&mut oracle, InvoiceStatus::Open);
    oracle.observed(RECORD, InvoiceStatus::Open);
    take(&mut oracle, InvoiceStatus::Paid);
    let verdict = oracle.verdict();
    assert_eq!((verdict.unseen, verdict.lost.count), (0, 2));
    assert!(verdict.lost.list[0].superseded);
}

#[test]
fn a_status_that_returns_is_expected_once() {
    let mut oracle = oracle();
    for status in [
        InvoiceStatus::Paid,
        InvoiceStatus::Open,
        InvoiceStatus::Paid,
    ] {
        take(&mut oracle, status);
    }
    assert_eq!(oracle.verdict().expected, 2);
}

#[test]
fn a_card_for_a_document_of_the_baseline_is_unexpected() {
    let mut oracle = oracle();
    oracle.set_on(false);
    take(&mut oracle, InvoiceStatus::Open);
    card(&mut oracle, "PPI-1 Open");
    let verdict = oracle.verdict();
    assert_eq!((verdict.expected, verdict.unexpected.count), (0, 1));
    assert_eq!(verdict.unexpected.list[0].number, "PPI-1");
}

#[test]
fn percentiles_are_ranks() {
    let latency = Latency::of((1..=100).map(f64::from).collect());
    assert_eq!(
        (latency.p50_ms, latency.p99_ms, latency.max_ms),
        (50.0, 99.0, 100.0)
    );
}
