//! What a window shows of a status.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::LaneName;
use signalbox_queue::{Attempts, JobState, LaneFault, LaneView, Load, Roll, WorkerView};

use super::{Look, Tone, lines};
use crate::commands::status::{Backlog, Status, attention};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A bit of everything that can be wrong.
fn busy() -> Status {
    let mut status = Status::default();
    let backlog = Backlog {
        jobs: [(JobState::Ready, 120), (JobState::Dead, 2)].into(),
        oldest_ready: Some(Duration::from_secs(75)),
        recent: Attempts {
            ends: [("complete".to_owned(), 300), ("retry".to_owned(), 5)].into(),
            took: [(16, 200), (1024, 95), (4096, 5)].into(),
        },
    };
    status.queues.insert("post".to_owned(), backlog);
    let gate = LaneView {
        gate: Some((now() + Duration::from_millis(27_500), "429".to_owned())),
        ..LaneView::default()
    };
    let fault = LaneFault {
        cause: "the secret\x1b[2J has expired".to_owned(),
        next_action: "make a new one in Entra and restart the workers, one after the other, so \
                      that no card has to wait for long"
            .to_owned(),
    };
    let broken = LaneView {
        broken: Some((fault, now() + Duration::from_secs(300))),
        ..LaneView::default()
    };
    let lane = |name: &str| LaneName::new(["teams", name]);
    status.lanes = vec![(lane("a"), gate), (lane("b"), broken)];
    status.groups.insert("operator".to_owned(), 7);
    status.span = Duration::from_secs(90);
    status.now = now();
    status.workers = vec![worker("front/41", 1), worker("back/7", 40)];
    status
}

fn worker(name: &str, silent_secs: i64) -> WorkerView {
    let load = Load {
        running: 3,
        most: 32,
    };
    WorkerView {
        roll: Roll {
            name: name.to_owned(),
            since: now() - SignedDuration::from_hours(5),
            fetched_ms: Some(200),
            queues: [("post".to_owned(), load)].into(),
            ..Roll::default()
        },
        seen: now() - SignedDuration::from_secs(silent_secs),
    }
}

fn drawn(status: &Status, trouble: Option<&str>, size: (usize, usize)) -> Vec<String> {
    let look = Look {
        status,
        needs: attention::needs(status),
        trouble: trouble.map(str::to_owned),
        at: now(),
        every: Duration::from_secs(2),
    };
    let lines = lines(&look, size.0, size.1);
    let text = |line: super::Line| line.0.into_iter().map(|(_, text)| text).collect();
    lines.into_iter().map(text).collect()
}

#[test]
fn a_busy_installation_shows_what_waits_what_is_shut_and_what_to_do() {
    let text = drawn(&busy(), None, (100, 50)).join("\n");
    for part in [
        "3 things need a person",
        "12:00:00Z  every 2 s  q ends",
        "post              0     120        0     0      2      75s     200  <16ms    <4s",
        "      make a new one in Entra and restart the workers, one after the other, so that no card has to",
        "closed  teams/a  opens in 28s; 429",
        "broken  teams/b  probed in 5m; the secret [2J has expired",
        "       7  operator",
        "front/41      post 3/32  fetched 1s ago, up 5h",
        "back/7        post 3/32  silent for 40s",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn whatever_the_window_nothing_goes_beyond_it() {
    for (width, height) in [(0, 0), (1, 1), (10, 3), (40, 8), (80, 24), (300, 100)] {
        let lines = drawn(&busy(), None, (width, height));
        assert!(
            lines.len() < height.max(1),
            "{width} x {height}: {lines:#?}"
        );
        for line in lines {
            let cut = line.chars().count() <= width.max(1);
            assert!(cut && !line.contains('\x1b'), "{width} x {height}: {line}");
        }
    }
}

#[test]
fn a_window_that_is_too_low_says_how_much_it_hides() {
    let all = drawn(&busy(), None, (80, 100)).len();
    let some = drawn(&busy(), None, (80, 11));
    assert_eq!(some.len(), 10);
    let hidden = format!("{} more lines", all - 9);
    assert!(some[9].starts_with(&hidden), "{some:#?}");
}

#[test]
fn a_look_that_failed_leaves_the_last_one_standing_and_says_why() {
    let lines = drawn(&busy(), Some("redis is away"), (80, 50));
    assert_eq!(lines[0], "Signalbox  looking again: redis is away");
    assert!(lines.iter().any(|line| line.starts_with("post")));
}

#[test]
fn what_is_wrong_is_told_by_words_and_not_by_colour_alone() {
    let status = busy();
    let look = Look {
        status: &status,
        needs: attention::needs(&status),
        trouble: None,
        at: now(),
        every: Duration::from_secs(2),
    };
    let mut wrong = lines(&look, 120, 60).into_iter().flat_map(|line| line.0);
    let said = wrong.all(|(tone, text)| tone != Tone::Wrong || !text.trim().is_empty());
    assert!(said);
}
