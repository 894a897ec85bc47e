//! `signalbox dead`: the dead are found by what they died of, counted before anything is done, and come back once.

use serde_json::{Value, json};

use super::{Announce, Desk, LaterLook, Look, ids};

/// Two dead posts and three dead reads, of which one is of a later release.
async fn graveyard() -> Desk {
    let desk = Desk::new().await;
    desk.bury(&["p-1"], || Announce, "Forbidden: 403").await;
    desk.bury(&["p-2"], || Announce, "the card is too large")
        .await;
    desk.bury(&["r-1"], || Look, "Forbidden: 403").await;
    desk.bury(&["r-2"], || Look, "no such company").await;
    desk.bury(&["r-3"], || LaterLook, "Forbidden: 403").await;
    desk
}

/// The ids in a page in an order of their own: two that died in one millisecond stand in any.
fn sorted(page: &Value) -> Vec<&str> {
    let mut ids = ids(page);
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn nothing_dead_is_a_good_answer() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || Announce).await;
    let none = json!({ "jobs": [], "next": null });
    assert_eq!(desk.ask("dead list").await, (0, none));
    assert_eq!(desk.run("dead replay --all").await.code, 1);
}

#[tokio::test]
async fn the_dead_are_listed_by_queue_and_by_what_they_died_of() {
    let desk = graveyard().await;
    for (options, expected) in [
        ("", vec!["p-1", "p-2", "r-1", "r-2", "r-3"]),
        ("--queue read", vec!["r-1", "r-2", "r-3"]),
        ("--failed-with 403", vec!["p-1", "r-1", "r-3"]),
        ("--queue read --failed-with 403", vec!["r-1", "r-3"]),
    ] {
        let (code, page) = desk.ask(&format!("dead list {options}")).await;
        assert_eq!((code, sorted(&page)), (1, expected), "{options}");
    }
    let listed = desk.run("dead list --queue post").await;
    assert!(
        listed.stdout.contains("the card is too large"),
        "{}",
        listed.stdout
    );
}

#[tokio::test]
async fn pages_of_the_dead_hold_no_more_than_asked_for_and_miss_none() {
    let desk = graveyard().await;
    let mut seen = Vec::new();
    let mut after = String::new();
    for _ in 0..10 {
        let command = format!("dead list --failed-with 403 --limit 1 {after}");
        let (_, page) = desk.ask(&command).await;
        assert!(ids(&page).len() <= 1);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            seen.sort();
            assert_eq!(seen, ["p-1", "r-1", "r-3"]);
            return;
        };
        after = format!("--after {next}");
    }
    panic!("the pages do not end: {seen:?}");
}

#[tokio::test]
async fn a_dry_run_says_how_many_are_meant_and_changes_nothing() {
    let desk = graveyard().await;
    for (which, meant) in [
        ("--all", 5),
        ("--queue read", 3),
        ("--failed-with 403", 3),
        ("--queue post --failed-with 403", 1),
    ] {
        let dry = desk.ask(&format!("dead replay {which} --dry-run")).await;
        let expected = json!({ "dry_run": true, "meant": meant, "revived": 0 });
        assert_eq!(dry, (0, expected), "{which}");
    }
    let said = desk.run("dead replay p-1 r-1 --dry-run").await;
    assert_eq!(said.stdout, "dead jobs that are meant: 2\n");
    assert_eq!(ids(&desk.ask("dead list").await.1).len(), 5);
}

#[tokio::test]
async fn the_dead_of_a_queue_come_back_and_the_count_is_said_first() {
    let desk = graveyard().await;
    let said = desk.run("dead replay --queue read").await;
    assert_eq!(said.code, 0);
    assert_eq!(
        said.stdout,
        "dead jobs that are meant: 3\ndead jobs that were brought back: 3\n"
    );
    for id in ["r-1", "r-2", "r-3"] {
        assert_eq!(desk.state(id).await, "ready");
    }
    assert_eq!(sorted(&desk.ask("dead list").await.1), ["p-1", "p-2"]);
}

#[tokio::test]
async fn single_jobs_come_back_and_one_that_is_not_dead_is_named() {
    let desk = graveyard().await;
    desk.enqueue(&["alive"], || Announce).await;
    let (code, answer) = desk.ask("dead replay p-2 alive").await;
    assert_eq!(code, 1);
    assert_eq!(
        (&answer["meant"], &answer["revived"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        answer["jobs"],
        json!([
            { "id": "p-2", "outcome": "changed", "was": "dead" },
            { "id": "alive", "outcome": "kept", "was": "ready" },
        ])
    );
    let again = desk.run("dead replay p-2").await;
    assert_eq!(again.code, 1);
    assert!(
        again
            .stdout
            .contains("`p-2` is ready; only jobs that are dead"),
        "{}",
        again.stdout
    );
}
