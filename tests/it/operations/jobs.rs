//! `signalbox jobs`: pages that are complete, and words about jobs that say what became of each.

use serde_json::{Value, json};
use signalbox_core::Payload as _;
use signalbox_queue::protocol;

use super::{Announce, Desk, LONG, LaterLook, Look, ids, job};

#[tokio::test]
async fn pages_lead_to_every_job_once() {
    let desk = Desk::new().await;
    let names: Vec<String> = (0..25).map(|n| format!("job-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    desk.enqueue(&names, || Announce).await;
    let mut seen = Vec::new();
    let mut command = "jobs list --limit 10".to_owned();
    loop {
        let (code, page) = desk.ask(&command).await;
        assert_eq!(code, 0);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        command = format!("jobs list --limit 10 --after {next}");
    }
    assert_eq!(seen, names);
}

#[tokio::test]
async fn a_queue_is_called_by_its_word_whatever_the_version_of_its_jobs() {
    let desk = Desk::new().await;
    desk.enqueue(&["old-1", "old-2"], || Look).await;
    desk.enqueue(&["new-1", "new-2"], || LaterLook).await;
    desk.enqueue(&["other"], || Announce).await;
    let (_, page) = desk.ask("jobs list --queue read").await;
    assert_eq!(ids(&page), ["old-1", "old-2", "new-1", "new-2"]);
    assert!(
        page["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|job| job["queue"] == "read")
    );
    // A page that ends with one version goes on with the next.
    let (_, first) = desk.ask("jobs list --queue read --limit 2").await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = desk
        .ask(&format!("jobs list --queue read --after {next}"))
        .await;
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec!["old-1", "old-2"], vec!["new-1", "new-2"])
    );
    let (code, none) = desk.ask("jobs list --queue renew").await;
    assert_eq!((code, none), (0, json!({ "jobs": [], "next": null })));
}

#[tokio::test]
async fn a_page_for_people_ends_with_the_way_to_the_next_one() {
    let desk = Desk::new().await;
    desk.enqueue(&["a", "b"], || Announce).await;
    let page = desk.run("jobs list --state ready --limit 1").await;
    assert!(
        page.stdout.contains("post     ready     a\n"),
        "{}",
        page.stdout
    );
    let (_, cursor) = page.stdout.trim().rsplit_once("--after ").unwrap();
    let cursor = cursor.trim_matches('\'');
    let next = desk
        .run(&format!("jobs list --state ready --after {cursor}"))
        .await;
    assert!(next.stdout.contains("ready     b\n"), "{}", next.stdout);
    assert!(!next.stdout.contains("--after"), "{}", next.stdout);
}

#[tokio::test]
async fn what_cannot_be_a_list_is_refused_with_what_can() {
    let desk = Desk::new().await;
    desk.enqueue(&["a", "b"], || Announce).await;
    for (wrong, advice) in [
        (
            "jobs list --after nonsense",
            "take it as the page before printed it",
        ),
        (
            "jobs list --state asleep",
            "ready, scheduled, running, held, dead, cancelled, done",
        ),
        ("jobs list --queue mail", "catch_up, post, read, renew"),
        ("jobs list --limit 0", "--limit"),
        ("dead list --after ::", "continues another list"),
    ] {
        let ended = desk.run(wrong).await;
        assert_eq!(ended.code, 2, "{wrong}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{wrong}: {ended:?}");
        assert!(ended.stderr.contains(advice), "{wrong}: {ended:?}");
    }
}

#[tokio::test]
async fn a_job_is_shown_with_all_that_is_known_of_it() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || LaterLook).await;
    let (code, shown) = desk.ask("jobs show a").await;
    assert_eq!(code, 0);
    assert_eq!(shown["state"], "ready");
    assert_eq!(
        (&shown["queue"], &shown["stored_queue"]),
        (&json!("read"), &json!("read@2"))
    );
    // The payload of a later look is a unit, which is `null` as JSON.
    assert_eq!(shown.get("payload"), Some(&json!(null)));
    let shown = desk.run("jobs show a").await;
    assert!(
        shown.stdout.contains("state     ready\n"),
        "{}",
        shown.stdout
    );
}

#[tokio::test]
async fn an_unknown_id_is_a_negative_answer_that_says_so() {
    let desk = Desk::new().await;
    for command in [
        "jobs show gone",
        "jobs cancel gone",
        "jobs hold gone",
        "jobs release --job gone",
        "dead replay gone",
        "dead replay gone --dry-run",
    ] {
        let ended = desk.run(command).await;
        assert_eq!(ended.code, 1, "{command}: {ended:?}");
        assert!(
            ended.stdout.contains("there is no job `gone`"),
            "{command}: {ended:?}"
        );
    }
    assert_eq!(desk.ask("jobs show gone").await, (1, Value::Null));
    let missing = json!([{ "id": "gone", "outcome": "missing", "was": null }]);
    assert_eq!(desk.ask("jobs cancel gone").await, (1, missing));
}

#[tokio::test]
async fn a_job_is_cancelled_once_and_with_its_reason() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || Announce).await;
    let cancelled = desk.run("jobs cancel a --reason typo").await;
    assert_eq!(cancelled.code, 0);
    assert_eq!(cancelled.stdout, "`a` was ready and is cancelled\n");
    let (_, shown) = desk.ask("jobs show a").await;
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("cancelled"), &json!("typo"))
    );
    let again = desk.run("jobs cancel a").await;
    assert_eq!(again.code, 1);
    assert!(
        again
            .stdout
            .contains("`a` is cancelled; only jobs that are"),
        "{}",
        again.stdout
    );
}

#[tokio::test]
async fn a_running_job_is_left_to_its_worker_while_the_others_are_held() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || Announce).await;
    let running = protocol::fetch(&desk.queue, &Announce::QUEUE, LONG, 1).await;
    assert_eq!(running.unwrap().len(), 1);
    desk.enqueue(&["b"], || Announce).await;
    let (code, outcomes) = desk.ask("jobs hold a b --group ann").await;
    assert_eq!(code, 1);
    assert_eq!(
        outcomes,
        json!([
            { "id": "a", "outcome": "kept", "was": "running" },
            { "id": "b", "outcome": "changed", "was": "ready" },
        ])
    );
    assert_eq!(desk.state("b").await, "held");
}

#[tokio::test]
async fn held_jobs_go_on_one_by_one_or_as_a_group() {
    let desk = Desk::new().await;
    desk.enqueue(&["a", "b", "c"], || Announce).await;
    assert_eq!(desk.run("jobs hold a b c --reason wait").await.code, 0);
    let released = desk.run("jobs release --job a").await;
    assert_eq!((released.code, desk.state("a").await), (0, json!("ready")));
    assert_eq!(desk.state("b").await, "held");
    let group = desk.ask("jobs release operator").await;
    assert_eq!(group, (0, json!({ "group": "operator", "jobs": 2 })));
    assert_eq!(desk.state("c").await, "ready");
    assert_eq!(desk.ask("jobs release --group operator").await.0, 1);
}

#[tokio::test]
async fn a_group_is_taken_as_known_with_or_without_the_flag() {
    let desk = Desk::new().await;
    for command in ["jobs seen g", "jobs seen --group g"] {
        let held = job(command.replace(' ', "-").as_str(), Announce).held_with("g");
        desk.queue.enqueue(held).await.unwrap();
        assert_eq!(
            desk.ask(command).await,
            (0, json!({ "group": "g", "jobs": 1 }))
        );
    }
}

#[tokio::test]
async fn what_could_mean_the_wrong_jobs_is_refused() {
    let desk = Desk::new().await;
    for wrong in [
        "jobs cancel",
        "jobs hold a --group route/invoices",
        "jobs hold a --group unknown/invoices",
        "jobs release",
        "jobs release g --group g",
        "jobs release g --job a",
        "jobs seen",
        "dead replay",
        "dead replay --dry-run",
        "dead replay a --all",
        "dead replay a --queue post",
        "dead replay --all --queue post",
        "dead replay --failed-with=",
    ] {
        let ended = desk.run(wrong).await;
        assert_eq!(ended.code, 2, "{wrong}: {ended:?}");
    }
}
