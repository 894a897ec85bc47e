//! Marks advance and never go back, and work that is done again and again keeps its distance.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Numbers, Watermark, next_in_pace, place_in};
use crate::JobId;

const MINUTE: Duration = Duration::from_secs(60);

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + secs).unwrap()
}

fn id(number: usize) -> JobId {
    JobId::new(["catch_up", &number.to_string(), "poll"])
}

#[test]
fn a_mark_never_goes_back() {
    let mut mark = Watermark::beginning(at(100));
    mark.advance(at(110), at(50), 2);
    assert_eq!((mark.until, mark.looks, mark.found), (at(100), 1, 2));
    mark.advance(at(300), at(240), 0);
    assert_eq!(mark.until, at(240));
}

#[test]
fn a_smaller_page_is_kept_and_grows_after_ten_listings() {
    let mut mark = Watermark::beginning(at(0));
    mark.listed(250, 1000);
    assert_eq!(mark.page_size, Some(250));
    for _ in 0..8 {
        mark.listed(250, 1000);
    }
    assert_eq!(mark.page_size, Some(250));
    mark.listed(250, 1000);
    assert_eq!(mark.page_size, Some(500));
    for _ in 0..10 {
        mark.listed(500, 1000);
    }
    assert_eq!(mark.page_size, None);
}

#[test]
fn numbers_are_asked_for_above_one_that_was_reached_an_overlap_ago() {
    let overlap = MINUTE * 10;
    let begun = Numbers::beginning(100, at(0));
    let soon = begun.advanced(130, at(60), overlap);
    assert_eq!(soon.above, 100, "a late row below 130 would be passed over");
    let later = soon.advanced(150, at(601), overlap);
    assert_eq!((later.above, later.highest), (100, 150));
    let last = later.advanced(160, at(1300), overlap);
    assert_eq!((last.above, last.highest), (150, 160));
}

#[test]
fn work_of_one_pace_is_spread_over_it_and_keeps_its_place() {
    let first: BTreeSet<i64> = (0..200)
        .map(|number| next_in_pace(&id(number), MINUTE, at(0)).as_second())
        .collect();
    assert!(first.len() > 40, "{} seconds of 60", first.len());
    for number in 0..200 {
        let next = next_in_pace(&id(number), MINUTE, at(0));
        let wait = next.duration_since(at(0));
        assert!(wait >= SignedDuration::from_secs(30) && wait <= SignedDuration::from_secs(90));
        let after = next_in_pace(&id(number), MINUTE, next);
        assert_eq!(after.duration_since(next), SignedDuration::from_secs(60));
    }
}

#[test]
fn a_place_lies_within_its_span() {
    assert!((0..200).all(|number| place_in(&id(number), MINUTE) < MINUTE));
}
