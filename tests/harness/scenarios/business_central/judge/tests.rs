use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Evidence, Key, Stand, Value, Verdict};

const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const RECORD: Uuid = Uuid::from_u128(3);

fn key(company: Uuid, once: &str) -> Key {
    Key {
        company,
        set: "purchaseInvoices",
        document: "PPI-1".to_owned(),
        once: once.to_owned(),
    }
}

fn value(once: &str, version: u64, stand: Stand) -> Value {
    Value {
        key: key(ONE, once),
        record: RECORD,
        version,
        from: Timestamp::UNIX_EPOCH,
        until: None,
        stand,
    }
}

/// Judges cards of one document of the first company.
fn judge(values: &[Value], cards: &[&str], sighted: &[u64], passed_over: &[&str]) -> Verdict {
    let cards: Vec<_> = cards.iter().map(|once| Some(key(ONE, once))).collect();
    Evidence {
        values,
        cards: &cards,
        sighted: &sighted.iter().map(|version| (RECORD, *version)).collect(),
        passed_over: &passed_over.iter().map(|once| key(ONE, once)).collect(),
    }
    .judge()
}

#[test]
fn a_value_that_stood_needs_a_card_and_only_one() {
    let values = [
        value("Open", 1, Stand::Stood),
        value("Paid", 2, Stand::Stood),
    ];
    let verdict = judge(&values, &["Open"], &[1, 2], &[]);
    assert_eq!(
        (verdict.stood, &verdict.missing[..]),
        (2, &[key(ONE, "Paid")][..])
    );
    let verdict = judge(&values, &["Open", "Paid", "Open"], &[1, 2], &[]);
    assert_eq!(verdict.twice, [key(ONE, "Open")]);
    assert!(verdict.missing.is_empty() && verdict.invented == 0);
}

#[test]
fn a_value_that_returns_is_one_value() {
    let values = ["Open", "Paid", "Open"].iter().zip(1..);
    let values: Vec<_> = values
        .map(|(once, n)| value(once, n, Stand::Stood))
        .collect();
    let verdict = judge(&values, &["Open", "Paid"], &[1, 2, 3], &[]);
    assert_eq!(
        (verdict.stood, verdict.missing, verdict.twice),
        (2, vec![], vec![])
    );
}

#[test]
fn a_card_of_a_value_that_the_record_never_had_is_invented() {
    let values = [value("Open", 1, Stand::Stood)];
    assert_eq!(judge(&values, &["Open", "Canceled"], &[1], &[]).invented, 1);
    // The same number in another company is another document.
    let cards = [Some(key(ONE, "Open")), Some(key(OTHER, "Open")), None];
    let evidence = Evidence {
        values: &values,
        cards: &cards,
        sighted: &HashSet::new(),
        passed_over: &HashSet::new(),
    };
    assert_eq!(evidence.judge().invented, 2);
}

#[test]
fn what_was_there_before_and_drafts_have_no_card_even_when_they_return() {
    let values = [
        value("Open", 1, Stand::Before),
        value("Paid", 2, Stand::Stood),
        value("Open", 3, Stand::Stood),
        value("Draft", 4, Stand::Draft),
    ];
    let verdict = judge(&values, &["Paid"], &[2, 3], &[]);
    assert_eq!((verdict.stood, verdict.uncalled.len()), (1, 0));
    let verdict = judge(&values, &["Paid", "Open", "Draft"], &[2, 3], &[]);
    assert_eq!(verdict.uncalled, [key(ONE, "Draft"), key(ONE, "Open")]);
}

#[test]
fn a_value_that_was_passed_through_may_have_a_card_if_somebody_was_shown_it() {
    let values = [
        value("Open", 1, Stand::Passed),
        value("Paid", 2, Stand::Stood),
    ];
    let verdict = judge(&values, &["Open", "Paid"], &[1, 2], &[]);
    assert_eq!((verdict.passed, verdict.passed_announced), (1, 1));
    assert!(verdict.guessed.is_empty());
    let verdict = judge(&values, &["Open", "Paid"], &[2], &[]);
    assert_eq!(verdict.guessed, [key(ONE, "Open")]);
}

#[test]
fn a_value_without_a_card_was_never_seen_or_the_trail_tells_of_it() {
    let values = [
        value("Open", 1, Stand::Passed),
        value("Paid", 2, Stand::Stood),
    ];
    assert_eq!(judge(&values, &["Paid"], &[2], &[]).never_seen, 1);
    let verdict = judge(&values, &["Paid"], &[1, 2], &["Open"]);
    assert_eq!((verdict.told_as_passed, verdict.untold), (1, vec![]));
    let verdict = judge(&values, &["Paid"], &[1, 2], &[]);
    assert_eq!(verdict.untold, [key(ONE, "Open")]);
}
