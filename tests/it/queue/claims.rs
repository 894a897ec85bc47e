//! Jobs that join the attempt of another one, and what becomes of them with it.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Steered};
use jiff::Timestamp;
use signalbox_core::{JobId, LaneChain, LaneName, Payload};
use signalbox_queue::{
    Job, JobState, Lease, NewJob, Queue, QueueError,
    protocol::{self, Leased, Verb},
};

use super::{LONG, SHORT, outcomes::Odd, until_state, view};

const PERIOD: Duration = Duration::from_secs(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

async fn add(queue: &Queue, ids: &[&str], batch: &str) {
    let job = |id: &&str| Note::job(id, "lane", id).batched_with(batch);
    let jobs = ids.iter().map(job).collect();
    queue.enqueue_all(jobs).await.unwrap();
}

async fn claim(queue: &Queue, lease: &Lease, most: usize) -> Result<Vec<String>, QueueError> {
    let claimed = queue.claim_more::<Note>(lease, "rows", most).await?;
    Ok(claimed.into_iter().map(|job| job.payload.text).collect())
}

async fn fetch(queue: &Queue, most: usize) -> Vec<Leased> {
    let fetched = protocol::fetch(queue, &Note::QUEUE, PERIOD, most).await;
    fetched.unwrap()
}

fn ids(jobs: &[Leased]) -> Vec<&str> {
    jobs.iter().map(|job| job.lease.id.as_str()).collect()
}

#[tokio::test]
async fn waiting_jobs_of_one_lane_and_batch_join_an_attempt_in_their_order_and_are_done_with_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b"], "rows").await;
    add(&queue, &["other"], "other rows").await;
    add(&queue, &["c", "d", "e"], "rows").await;
    let elsewhere = Note::job("elsewhere", "other lane", "elsewhere").batched_with("rows");
    queue.enqueue(elsewhere).await.unwrap();
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    let started = worker.next().await;
    assert_eq!(started.text, "a");
    let claimed = claim(&queue, &started.lease, 3).await.unwrap();
    assert_eq!(claimed, ["b", "c", "d"]);
    assert_eq!(view(&queue, "d").await.state, JobState::Running);
    started.tell(Script::Complete);
    for id in ["a", "b", "c", "d"] {
        until_state(&queue, id, JobState::Done).await;
    }
    let mut rest = Vec::new();
    for _ in 0..3 {
        let started = worker.next().await;
        rest.push(started.text.clone());
        started.tell(Script::Complete);
    }
    rest.sort();
    assert_eq!(rest, ["e", "elsewhere", "other"]);
    worker.stop().await;
}

#[tokio::test]
async fn jobs_that_fail_together_each_use_up_attempts_of_their_own() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b"], "rows").await;
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    for attempt in 1..=3 {
        let started = worker.next().await;
        assert_eq!((started.text.as_str(), started.attempt), ("a", attempt));
        if attempt == 3 {
            add(&queue, &["c"], "rows").await;
        }
        let claimed = claim(&queue, &started.lease, 10).await.unwrap();
        assert_eq!(claimed.len(), if attempt == 3 { 2 } else { 1 });
        started.tell(Script::Retry);
    }
    for id in ["a", "b"] {
        let dead = until_state(&queue, id, JobState::Dead).await;
        assert_eq!(dead.attempt, 3);
    }
    let started = worker.next().await;
    assert_eq!((started.text.as_str(), started.attempt), ("c", 2));
    started.tell(Script::Complete);
    until_state(&queue, "c", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn jobs_that_were_claimed_are_renewed_with_the_attempt_and_all_come_back_when_it_dies() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b", "c"], "rows").await;
    let mut dying = Steered::with_concurrency(&redis, SHORT, 1);
    let started = dying.next().await;
    claim(&queue, &started.lease, 10).await.unwrap();
    let first = started.lease.until();
    while started.lease.until() <= first + SHORT * 2 {
        tokio::time::sleep(SHORT / 20).await;
    }
    assert_eq!(view(&queue, "c").await.deaths, 0);
    dying.vanish();
    let mut other = Steered::start(&redis, SHORT);
    let mut back = Vec::new();
    for _ in 0..3 {
        let started = other.next().await;
        back.push((started.text.clone(), started.attempt));
        started.tell(Script::Complete);
    }
    back.sort();
    let expected = ["a", "b", "c"].map(|id| (id.to_owned(), 2));
    assert_eq!(back, expected);
    assert_eq!(view(&queue, "c").await.deaths, 1);
    other.stop().await;
}

#[tokio::test]
async fn a_stop_gives_back_what_was_claimed_and_burns_no_attempt() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b"], "rows").await;
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    let hanging = worker.next().await;
    claim(&queue, &hanging.lease, 10).await.unwrap();
    worker.stop().await;
    for id in ["a", "b"] {
        let job = view(&queue, id).await;
        assert_eq!((job.state, job.attempt), (JobState::Ready, 0));
    }
    let late = claim(&queue, &hanging.lease, 10).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
}

#[tokio::test]
async fn a_late_answer_changes_none_of_the_jobs_that_had_joined() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let later = |seconds| queue.at(at(seconds));
    add(&later(0), &["a", "b"], "rows").await;
    let late = fetch(&later(0), 1).await.remove(0);
    claim(&later(0), &late.lease, 10).await.unwrap();
    assert!(fetch(&later(6), 10).await.is_empty());
    let again = fetch(&later(12), 10).await;
    assert_eq!(ids(&again), ["a", "b"]);
    let settled = protocol::settle(&later(12), &late.lease, Verb::Complete, "").await;
    assert!(!settled.unwrap());
    assert!(
        !protocol::renew(&later(12), &late.lease, PERIOD)
            .await
            .unwrap()
    );
    let refused = claim(&later(12), &late.lease, 10).await;
    assert!(matches!(refused, Err(QueueError::LeaseLost)), "{refused:?}");
    for id in ["a", "b"] {
        assert_eq!(view(&queue, id).await.state, JobState::Running);
    }
}

#[tokio::test]
async fn nobody_joins_from_a_lane_that_is_shut_and_all_may_once_it_is_open() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b"], "rows").await;
    let leased = fetch(&queue, 1).await.remove(0);
    let root = Note::root();
    queue.pause_lane(&root, &root, "maintenance").await.unwrap();
    assert!(claim(&queue, &leased.lease, 10).await.unwrap().is_empty());
    queue.resume_lane(&root, &root).await.unwrap();
    assert_eq!(claim(&queue, &leased.lease, 10).await.unwrap(), ["b"]);
}

#[tokio::test]
async fn a_job_that_lost_two_workers_joins_nobody_and_nobody_joins_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let later = |seconds| queue.at(at(seconds));
    add(&later(0), &["poison"], "rows").await;
    // Often enough for its leases to run out without a grace.
    for (seconds, leased) in [(0, 1), (6, 0), (12, 1), (18, 0), (24, 0)] {
        assert_eq!(fetch(&later(seconds), 1).await.len(), leased);
    }
    assert_eq!(view(&later(24), "poison").await.deaths, 2);
    add(&later(24), &["a", "b"], "rows").await;
    let leased = fetch(&later(24), 1).await.remove(0);
    assert_eq!(leased.lease.id.as_str(), "a");
    assert_eq!(claim(&later(24), &leased.lease, 10).await.unwrap(), ["b"]);
    add(&later(24), &["c"], "rows").await;
    let alone = protocol::fetch_alone(&later(24), &Note::QUEUE, PERIOD).await;
    let alone = alone.unwrap().unwrap();
    assert_eq!(alone.lease.id.as_str(), "poison");
    assert!(
        claim(&later(24), &alone.lease, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

fn calls(redis: &RedisServer) -> usize {
    let stats = redis.command("INFO commandstats");
    let counts = stats.split("calls=").skip(1);
    let counts = counts.filter_map(|rest| rest.split(',').next()?.parse::<usize>().ok());
    counts.sum()
}

#[tokio::test]
async fn a_claim_costs_what_it_takes_however_many_others_wait_before_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a"], "rows").await;
    let leased = fetch(&queue, 1).await.remove(0);
    let crowd = (0..3000).map(|n| Note::job(&format!("job-{n}"), "lane", "x"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    add(&queue, &["b", "c", "d"], "rows").await;
    redis.command("CONFIG RESETSTAT");
    let claimed = claim(&queue, &leased.lease, 3).await.unwrap();
    let calls = calls(&redis);
    assert_eq!(claimed, ["b", "c", "d"]);
    assert!(calls < 50, "{calls} calls for three jobs");
    assert_eq!(fetch(&queue, 5000).await.len(), 3000);
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_leaves_the_attempt_and_is_dead_with_its_reason() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a"], "rows").await;
    let lanes = LaneChain::root(Note::root()).below(LaneName::new(["lane"]));
    let odd = NewJob::new(JobId::new(["odd"]), lanes, Odd { number: 1 }, None);
    queue
        .enqueue(odd.unwrap().batched_with("rows"))
        .await
        .unwrap();
    add(&queue, &["b"], "rows").await;
    let leased = fetch(&queue, 1).await.remove(0);
    assert_eq!(claim(&queue, &leased.lease, 10).await.unwrap(), ["b"]);
    let dead = view(&queue, "odd").await;
    assert_eq!(dead.state, JobState::Dead);
    assert!(dead.reason.contains("queue `note`"), "{}", dead.reason);
    protocol::settle(&queue, &leased.lease, Verb::Complete, "")
        .await
        .unwrap();
    assert_eq!(view(&queue, "odd").await.state, JobState::Dead);
    assert_eq!(view(&queue, "b").await.state, JobState::Done);
}

#[tokio::test]
async fn each_job_that_joined_may_declare_an_effect_of_its_own() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b"], "rows").await;
    let leased = fetch(&queue, 1).await.remove(0);
    let claimed: Vec<Job<Note>> = queue.claim_more(&leased.lease, "rows", 10).await.unwrap();
    let effect = signalbox_core::EffectKey::from_stored("row b");
    let intent = queue.intend(&claimed[0].lease, &effect, None).await;
    intent.unwrap();
    protocol::settle(&queue, &leased.lease, Verb::Complete, "")
        .await
        .unwrap();
    let late = queue.intend(&claimed[0].lease, &effect, None).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
}
