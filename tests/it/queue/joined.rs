//! What becomes of one job that joined an attempt, when it is another thing than what becomes of the attempt.

use harness::{Note, RedisServer, Script, Steered};
use jiff::Timestamp;
use signalbox_core::{Completion, JobError};
use signalbox_queue::{Enqueued, Job, JobState, NewJob, Queue};

use super::{LONG, until_state, view};

fn job(id: &str, text: &str, changed: i64) -> NewJob {
    let changed = Timestamp::from_second(1_800_000_000 + changed).unwrap();
    let job = Note::job(id, "lane", text).keep_last(changed);
    job.batched_with("rows")
}

async fn add(queue: &Queue, ids: &[&str]) {
    let jobs = ids.iter().map(|id| job(id, id, 0)).collect();
    queue.enqueue_all(jobs).await.unwrap();
}

/// An attempt of the first job, which the others have joined.
async fn joined(redis: &RedisServer, queue: &Queue) -> (Steered, harness::Started, Vec<Job<Note>>) {
    let mut worker = Steered::with_concurrency(redis, LONG, 1);
    let started = worker.next().await;
    let claimed = queue.claim_more(&started.lease, "rows", 10).await.unwrap();
    (worker, started, claimed)
}

#[tokio::test]
async fn a_job_that_joined_ends_as_is_said_of_it_alone_and_the_others_as_the_attempt_does() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b", "c", "d"]).await;
    let (worker, started, claimed) = joined(&redis, &queue).await;
    claimed[0].lease.end_as(Err(JobError::fail("no such row")));
    claimed[1].lease.end_as(Ok(Completion::noted("gone")));
    claimed[1].lease.end_as(Ok(Completion::noted("written")));
    started.tell(Script::Complete);
    for id in ["a", "d"] {
        until_state(&queue, id, JobState::Done).await;
    }
    let dead = until_state(&queue, "b", JobState::Dead).await;
    assert_eq!(dead.reason, "will not succeed: no such row");
    let done = until_state(&queue, "c", JobState::Done).await;
    assert_eq!(done.reason, "written");
    worker.stop().await;
}

#[tokio::test]
async fn what_was_said_of_a_job_that_joined_holds_although_the_attempt_fails_or_panics() {
    for script in [Script::Hold("a person"), Script::Panic] {
        let redis = RedisServer::start();
        let queue = redis.queue().await;
        add(&queue, &["a", "b", "c"]).await;
        let (worker, started, claimed) = joined(&redis, &queue).await;
        let done = Ok(Completion::noted("written"));
        claimed[0].lease.end_as(done);
        started.tell(script);
        let done = until_state(&queue, "b", JobState::Done).await;
        assert_eq!(done.reason, "written");
        for id in ["a", "c"] {
            assert_ne!(view(&queue, id).await.state, JobState::Done);
        }
        worker.stop().await;
    }
}

#[tokio::test]
async fn newer_news_of_a_job_that_joined_makes_it_run_once_more_and_alone() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    add(&queue, &["a", "b", "c"]).await;
    let (mut worker, started, claimed) = joined(&redis, &queue).await;
    let newer = queue.enqueue(job("b", "newer b", 5)).await.unwrap();
    assert_eq!(newer, Enqueued::Pending);
    claimed[0].lease.end_as(Ok(Completion::noted("written")));
    started.tell(Script::Complete);
    let again = worker.next().await;
    assert_eq!((again.text.as_str(), again.attempt), ("newer b", 1));
    for id in ["a", "c"] {
        until_state(&queue, id, JobState::Done).await;
    }
    again.tell(Script::Complete);
    until_state(&queue, "b", JobState::Done).await;
    worker.stop().await;
}
