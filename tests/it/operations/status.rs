//! `signalbox status`: one look that says whether a person is needed, and what for.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox_core::LaneName;
use signalbox_queue::LaneFault;

use super::{Announce, Desk, LaterLook, Look, job};

fn row<'a>(status: &'a Value, queue: &str) -> &'a Value {
    let rows = status["queues"].as_array().unwrap();
    rows.iter().find(|row| row["queue"] == queue).unwrap()
}

fn needs(status: &Value) -> Vec<String> {
    let needs = status["needs_a_person"].as_array().unwrap();
    let texts = needs
        .iter()
        .map(|need| format!("{} -> {}", need["what"], need["next_action"]));
    texts.collect()
}

#[tokio::test]
async fn jobs_that_only_wait_need_nobody() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || Look).await;
    desk.enqueue(&["b"], || LaterLook).await;
    let due = "2100-01-01T00:00:00Z".parse().unwrap();
    desk.queue
        .enqueue(job("c", Announce).due(due))
        .await
        .unwrap();
    let (code, status) = desk.ask("status").await;
    assert_eq!((code, needs(&status).len()), (0, 0));
    assert_eq!(row(&status, "read")["ready"], 2);
    assert!(row(&status, "read")["oldest_ready_secs"].as_f64().unwrap() >= 0.0);
    assert_eq!(row(&status, "post")["scheduled"], 1);
    assert_eq!(row(&status, "post")["oldest_ready_secs"], Value::Null);
    let said = desk.run("status").await;
    assert_eq!(said.code, 0);
    assert!(
        said.stdout.ends_with("nothing needs a person\n"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn an_empty_redis_is_well() {
    let desk = Desk::new().await;
    let (code, status) = desk.ask("status").await;
    assert_eq!((code, &status["queues"]), (0, &json!([])));
}

#[tokio::test]
async fn the_dead_and_the_held_need_a_person_and_the_next_step_is_said() {
    let desk = Desk::new().await;
    desk.bury(&["d-1", "d-2"], || Announce, "Forbidden").await;
    desk.enqueue(&["h"], || Look).await;
    desk.run("jobs hold h --group ann").await;
    let (code, status) = desk.ask("status").await;
    assert_eq!(code, 1);
    assert_eq!(row(&status, "post")["dead"], 2);
    assert_eq!(status["held"], json!([{ "group": "ann", "jobs": 1 }]));
    let needs = needs(&status);
    assert_eq!(needs.len(), 2, "{needs:?}");
    assert!(
        needs[0].contains("signalbox jobs release --group ann"),
        "{needs:?}"
    );
    assert!(
        needs[1].contains("signalbox dead replay --queue post"),
        "{needs:?}"
    );
    // Doing what is said ends the need.
    desk.run("jobs release --group ann").await;
    desk.run("dead replay --queue post").await;
    assert_eq!(desk.ask("status").await.0, 0);
}

#[tokio::test]
async fn a_gate_opens_by_itself_but_a_broken_lane_needs_a_person() {
    let desk = Desk::new().await;
    let root = LaneName::new(["tenant"]);
    let soon = "2100-01-01T00:00:00Z".parse().unwrap();
    desk.queue
        .close_lane(&root, &root, soon, "429")
        .await
        .unwrap();
    let (code, status) = desk.ask("status").await;
    assert_eq!(code, 0);
    assert_eq!(status["shut_lanes"][0]["closed_because"], "429");
    let fault = LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "make a new one".to_owned(),
    };
    let probes = (soon, Duration::from_secs(300));
    desk.queue
        .break_lane(&root, &root, &fault, probes)
        .await
        .unwrap();
    let (code, status) = desk.ask("status").await;
    assert_eq!(code, 1);
    assert!(needs(&status)[0].contains("make a new one"), "{status}");
    let said = desk.run("status").await;
    assert!(
        said.stdout
            .contains("the lane `tenant` is broken: the secret has expired"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn a_lane_that_is_open_again_is_not_shown_as_shut() {
    let desk = Desk::new().await;
    let root = LaneName::new(["tenant"]);
    desk.queue
        .pause_lane(&root, &root, "maintenance")
        .await
        .unwrap();
    assert_eq!(desk.ask("status").await.0, 1);
    desk.queue.resume_lane(&root, &root).await.unwrap();
    let past = "2020-01-01T00:00:00Z".parse().unwrap();
    desk.queue
        .close_lane(&root, &root, past, "429")
        .await
        .unwrap();
    let (code, status) = desk.ask("status").await;
    assert_eq!((code, &status["shut_lanes"]), (0, &json!([])));
    let (_, lanes) = desk.ask("lanes list").await;
    assert_eq!(
        (&lanes[0]["lane"], &lanes[0]["closed_until"]),
        (&json!("tenant"), &Value::Null)
    );
    assert_eq!(desk.run("lanes list").await.stdout, "tenant  open\n");
}
