//! What becomes of a job when its handler is done with it.

use harness::{Note, RedisServer, Script, Steered};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signalbox_core::{JobId, LaneChain, LaneName, Payload, QueueName};
use signalbox_queue::{JobState, NewJob};

use super::{LONG, until_state, view};

/// What a release with another idea of a note would store.
#[derive(Serialize, Deserialize)]
pub(super) struct Odd {
    pub(super) number: u32,
}

impl Payload for Odd {
    const QUEUE: QueueName = Note::QUEUE;
}

#[tokio::test]
async fn a_job_that_fails_by_its_own_fault_is_tried_again_until_its_attempts_are_used_up() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    for attempt in 1..=3 {
        let started = worker.next().await;
        assert_eq!(started.attempt, attempt);
        started.tell(Script::Retry);
    }
    let dead = until_state(&queue, "a", JobState::Dead).await;
    assert_eq!(dead.reason, "no attempts left: told to retry");
    worker.stop().await;
}

#[tokio::test]
async fn a_snooze_waits_for_its_instant_and_burns_no_attempt() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let until = now() + SignedDuration::from_millis(300);
    worker.next().await.tell(Script::Snooze(until));
    let again = worker.next().await;
    assert!(now() >= until, "the job ran before its instant");
    assert_eq!(again.attempt, 1);
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn news_about_a_snoozed_job_does_not_run_it_before_its_instant() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let job = |changed: i64| {
        let changed = Timestamp::from_second(changed).unwrap();
        Note::job("a", "lane", "x").keep_last(changed)
    };
    queue.enqueue(job(1)).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let until = Timestamp::from_millisecond(now().as_millisecond() + 3_600_000).unwrap();
    worker.next().await.tell(Script::Snooze(until));
    until_state(&queue, "a", JobState::Scheduled).await;
    queue.enqueue(job(2)).await.unwrap();
    assert_eq!(view(&queue, "a").await.due, Some(until));
    worker.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_worker_goes_on() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Panic);
    let again = worker.next().await;
    assert_eq!(again.attempt, 2);
    assert!(view(&queue, "a").await.reason.contains("panic"));
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn held_jobs_wait_unharmed_until_their_group_is_released() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Hold("route/r"));
    let held = until_state(&queue, "a", JobState::Held).await;
    assert_eq!(held.reason, "told to hold");
    let groups = queue.held_groups().await.unwrap();
    assert_eq!(
        groups.into_iter().collect::<Vec<_>>(),
        [("route/r".to_owned(), 1)]
    );
    assert_eq!(queue.release_group("route/r").await.unwrap(), 1);
    assert!(queue.held_groups().await.unwrap().is_empty());
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_is_dead_with_its_reason() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let lanes = LaneChain::root(Note::root()).below(LaneName::new(["lane"]));
    let odd = NewJob::new(JobId::new(["a"]), lanes, Odd { number: 1 }, None);
    queue.enqueue(odd.unwrap()).await.unwrap();
    let worker = Steered::start(&redis, LONG);
    let dead = until_state(&queue, "a", JobState::Dead).await;
    assert!(dead.reason.contains("queue `note`"), "{}", dead.reason);
    worker.stop().await;
}

#[tokio::test]
async fn a_lane_with_many_jobs_does_not_starve_a_lane_with_one() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let crowd = (0..300).map(|n| Note::job(&format!("crowd-{n}"), "long", "crowd"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    queue
        .enqueue(Note::job("alone", "short", "alone"))
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let mut before = 0;
    loop {
        let started = worker.next().await;
        let alone = started.text == "alone";
        started.tell(Script::Complete);
        if alone {
            break;
        }
        before += 1;
    }
    assert!(before <= 8, "{before} jobs of the long lane came first");
    worker.stop().await;
}

#[tokio::test]
async fn jobs_of_a_lane_run_in_the_order_of_their_enqueue() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for n in [2, 0, 1] {
        let id = format!("job-{n}");
        queue.enqueue(Note::job(&id, "lane", &id)).await.unwrap();
    }
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    let mut order = Vec::new();
    for _ in 0..3 {
        let started = worker.next().await;
        order.push(started.text.clone());
        started.tell(Script::Complete);
    }
    assert_eq!(order, ["job-2", "job-0", "job-1"]);
    worker.stop().await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the scripts go by the server's clock, which is this machine's"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
