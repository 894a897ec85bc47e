use jiff::Timestamp;

use super::{CronPattern, Misfire, Overlap, Schedule, ScheduleState, Zone};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str, misfire: Misfire) -> Schedule {
    Schedule {
        cron: CronPattern::try_from(cron.to_owned()).unwrap(),
        time_zone: Zone::try_from(zone.to_owned()).unwrap(),
        misfire,
        overlap: Overlap::Skip,
    }
}

/// The ticks after `from`, as many as `expected` has.
fn follow(cron: &str, zone: &str, from: &str, expected: &[&str]) {
    let schedule = schedule(cron, zone, Misfire::Last);
    let mut last = at(from);
    for next in expected {
        let tick = schedule.next_after(last).unwrap();
        assert_eq!(tick, at(next), "`{cron}` in {zone} after {last}");
        last = tick;
    }
}

#[test]
fn ticks_follow_the_wall_clock_of_their_zone() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        (
            "0 7 * * *",
            "UTC",
            "2026-03-01T06:59:59.5Z",
            &["2026-03-01T07:00:00Z", "2026-03-02T07:00:00Z"],
        ),
        (
            "0 7 * * MON-FRI",
            "Europe/Berlin",
            "2026-01-09T06:00:00Z",
            &["2026-01-12T06:00:00Z", "2026-01-13T06:00:00Z"],
        ),
        (
            "*/20 * * * *",
            "Asia/Kolkata",
            "2026-01-01T00:00:00Z",
            &["2026-01-01T00:10:00Z", "2026-01-01T00:30:00Z"],
        ),
        (
            "0 0 L * *",
            "America/New_York",
            "2028-02-01T00:00:00Z",
            &["2028-02-29T05:00:00Z", "2028-03-31T04:00:00Z"],
        ),
    ];
    for (cron, zone, from, expected) in table {
        follow(cron, zone, from, expected);
    }
}

#[test]
fn a_time_that_the_clock_jumps_over_comes_right_after_the_jump() {
    // On 29 March 2026 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC.
    follow(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-27T12:00:00Z",
        &[
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z",
        ],
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_once() {
    // On 25 October 2026 clocks in Berlin go from 03:00 back to 02:00, at 01:00 UTC.
    follow(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
}

#[test]
fn an_interval_goes_on_evenly_through_a_change_of_the_clock() {
    let spring: &[&str] = &[
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:30:00Z",
    ];
    follow(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:00:00Z",
        spring,
    );
    let autumn: &[&str] = &[
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:00:00Z",
    ];
    follow(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        autumn,
    );
}

#[test]
fn missed_ticks_are_the_newest_up_to_a_bound() {
    let hourly = schedule("0 * * * *", "UTC", Misfire::All);
    let (last, now) = (at("2026-05-01T00:00:00Z"), at("2026-05-01T05:30:00Z"));
    let three = hourly.between(last, now, 3);
    let expected = ["03", "04", "05"].map(|hour| at(&format!("2026-05-01T{hour}:00:00Z")));
    assert_eq!(three, expected);
    assert_eq!(hourly.between(last, now, 100).len(), 5);
    assert_eq!(hourly.between(now, now, 100), []);
}

#[test]
fn a_tick_on_the_very_instant_is_among_those_that_came_up() {
    let hourly = schedule("0 * * * *", "UTC", Misfire::All);
    let noon = at("2026-05-01T12:00:00Z");
    assert_eq!(hourly.between(at("2026-05-01T11:00:00Z"), noon, 9), [noon]);
}

#[test]
fn a_rare_tick_that_was_missed_long_ago_is_still_found() {
    let yearly = schedule("0 0 1 1 *", "UTC", Misfire::All);
    let found = yearly.between(at("2023-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"), 9);
    let expected = ["2024", "2025", "2026"].map(|year| at(&format!("{year}-01-01T00:00:00Z")));
    assert_eq!(found, expected);
}

#[test]
fn the_misfire_policy_decides_which_missed_ticks_are_made() {
    let (first, second) = (at("2026-05-01T01:00:00Z"), at("2026-05-01T02:00:00Z"));
    let (in_time, late) = (at("2026-05-01T02:00:59Z"), at("2026-05-01T02:30:00Z"));
    let table = [
        (Misfire::Skip, late, vec![]),
        (Misfire::Skip, in_time, vec![second]),
        (Misfire::Last, late, vec![second]),
        (Misfire::Last, in_time, vec![second]),
        (Misfire::All, late, vec![first, second]),
    ];
    for (misfire, now, expected) in table {
        let schedule = schedule("0 * * * *", "UTC", misfire);
        let made = schedule.to_make(vec![first, second], now);
        assert_eq!(made, expected, "{misfire:?} at {now}");
        assert_eq!(schedule.to_make(Vec::new(), now), []);
    }
}

#[test]
fn what_is_no_schedule_is_refused_with_what_to_write() {
    for (text, reason) in [
        ("", "is no cron pattern"),
        ("61 * * * *", "is no cron pattern"),
        ("* * * *", "is no cron pattern"),
        ("* * * * * *", "is no cron pattern"),
        ("0 0 30 2 *", "never comes"),
    ] {
        let error = CronPattern::try_from(text.to_owned())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(reason), "`{text}`: {error}");
        assert_eq!(error.matches("; ").count(), 1, "{error}");
    }
    let zone = Zone::try_from("Europe/Atlantis".to_owned());
    assert!(zone.is_err());
}

#[test]
fn a_changed_schedule_has_missed_nothing() {
    let (began, now) = (at("2026-01-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
    let yearly = schedule("0 0 1 1 *", "UTC", Misfire::All);
    let state = ScheduleState::beginning(&yearly, began);
    assert_eq!(state.clone().under(&yearly, now), state);
    let hourly = schedule("0 * * * *", "UTC", Misfire::All);
    let changed = state.under(&hourly, now);
    assert_eq!((changed.last_tick, changed.looked_until), (now, began));
    assert_eq!(hourly.between(changed.last_tick, now, 9), []);
}
