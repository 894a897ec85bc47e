//! Payloads in Redis: long ones are packed, and with keys nobody reads them there.

use harness::{Note, RedisServer, Script, Steered};
use signalbox_queue::{JobState, PayloadKey, PayloadKeys, Queue, QueueError, QueueOptions};

use super::{LONG, until_state, view};

const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn options(redis: &RedisServer, keys: &[(&str, &str)]) -> QueueOptions {
    let keys = keys
        .iter()
        .map(|(name, key)| PayloadKey::new(name, key).unwrap());
    QueueOptions {
        payload_keys: PayloadKeys::new(keys),
        ..redis.options(None)
    }
}

async fn queue(redis: &RedisServer, keys: &[(&str, &str)]) -> Queue {
    Queue::connect(options(redis, keys)).await.unwrap().0
}

/// The only record in Redis, as it is stored.
fn record(redis: &RedisServer) -> String {
    let names = redis.command("KEYS *job:*");
    let name = names.lines().last().unwrap_or_default().to_owned();
    redis.command(&format!("GET {name}"))
}

#[tokio::test]
async fn a_long_payload_takes_a_part_of_its_length_and_arrives_as_it_was() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    let lines: Vec<String> = (0..500).map(|n| format!("line {n} of the order")).collect();
    let text = lines.join("\n");
    queue.enqueue(Note::job("a", "lane", &text)).await.unwrap();
    let running = worker.next().await;
    assert_eq!(running.text, text);
    let stored = record(&redis).len();
    assert!(stored * 2 < text.len(), "{stored} bytes of {}", text.len());
    assert!(view(&queue, "a").await.payload.contains("line 499"));
    running.tell(Script::Complete);
    worker.stop().await;
}

#[tokio::test]
async fn a_payload_over_the_limit_is_refused_before_anything_is_stored() {
    let lanes = signalbox_core::LaneChain::root(Note::root());
    let note = Note {
        text: "x".repeat(65 * 1024),
    };
    let refused =
        signalbox_queue::NewJob::new(signalbox_core::JobId::new(["a"]), lanes, note, None);
    assert!(
        matches!(refused, Err(QueueError::Stored { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_sealed_payload_cannot_be_read_in_redis_but_by_who_has_the_key() {
    let redis = RedisServer::start();
    let sealing = queue(&redis, &[("old", OLD)]).await;
    let job = Note::job("a", "lane", "confidential");
    sealing.enqueue(job).await.unwrap();
    let stored = record(&redis);
    assert!(
        stored.contains("old") && !stored.contains("confidential"),
        "{stored}"
    );
    assert!(view(&sealing, "a").await.payload.contains("confidential"));
    let without = view(&redis.queue().await, "a").await.payload;
    assert!(without.contains("`old`"), "{without}");
}

#[tokio::test]
async fn keys_are_replaced_while_jobs_of_the_old_one_still_wait() {
    let redis = RedisServer::start();
    let before = queue(&redis, &[("old", OLD), ("new", NEW)]).await;
    let after = queue(&redis, &[("new", NEW), ("old", OLD)]).await;
    before.enqueue(Note::job("a", "lane", "old")).await.unwrap();
    after.enqueue(Note::job("b", "lane", "new")).await.unwrap();
    let both = options(&redis, &[("new", NEW), ("old", OLD)]);
    let mut worker = Steered::on(both, LONG, 1);
    for text in ["old", "new"] {
        let running = worker.next().await;
        assert_eq!(running.text, text);
        running.tell(Script::Complete);
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_job_whose_key_is_not_known_waits_with_the_reason_and_runs_once_it_is() {
    let redis = RedisServer::start();
    let sealing = queue(&redis, &[("old", OLD)]).await;
    let without = Steered::start(&redis, LONG);
    sealing.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let held = until_state(&sealing, "a", JobState::Held).await;
    assert_eq!(held.group.as_deref(), Some("payload-key/old"));
    assert!(
        held.reason.contains("redis.payload_keys"),
        "{}",
        held.reason
    );
    without.stop().await;
    let mut worker = Steered::on(options(&redis, &[("old", OLD)]), LONG, 8);
    assert_eq!(sealing.release_group("payload-key/old").await.unwrap(), 1);
    worker.next().await.tell(Script::Complete);
    until_state(&sealing, "a", JobState::Done).await;
    worker.stop().await;
}
