//! Redis restarts, vanishes or forgets: the worker carries on and nothing is lost.

use std::{error::Error, time::Duration};

use harness::{Note, RedisServer, Script, Steered};
use signalbox_queue::{JobState, Origin, Queue, QueueError};

use super::{LONG, until_state, until_taken};

#[tokio::test]
async fn an_acknowledged_job_survives_the_kill_of_redis_and_the_worker_carries_on() {
    let mut redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    queue
        .enqueue(Note::job("before", "lane", "x"))
        .await
        .unwrap();
    let running = worker.next().await;
    redis.kill();
    // The outcome has nowhere to go for now.
    running.tell(Script::Complete);
    redis.restart();
    until_state(&queue, "before", JobState::Done).await;
    queue
        .enqueue(Note::job("after", "lane", "y"))
        .await
        .unwrap();
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "after", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn an_emptied_redis_takes_nothing_until_the_installation_is_entered_again() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    redis.command("FLUSHALL");
    let refused = queue.enqueue(Note::job("a", "lane", "x")).await;
    assert!(
        matches!(refused, Err(QueueError::NotInstalled { .. })),
        "{refused:?}"
    );
    let installation = queue.reinstall().await.unwrap();
    assert_eq!(installation.origin, Origin::Recovered);
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
}

#[tokio::test]
async fn a_redis_of_another_installation_or_layout_is_refused_with_the_way_out() {
    let redis = RedisServer::start();
    redis.connect(None).await;
    let other = Queue::connect(redis.options(Some("installation-2"))).await;
    let text = other.unwrap_err().to_string();
    assert!(
        text.contains("installation-1") && text.contains("redis.url"),
        "{text}"
    );
    let mut more = redis.options(None);
    more.partitions = 4;
    let text = Queue::connect(more).await.unwrap_err().to_string();
    assert!(text.contains("redis.partitions"), "{text}");
    redis.command("HSET {test/0}:installation layout 9");
    let newer = Queue::connect(redis.options(None)).await;
    assert!(newer.unwrap_err().to_string().contains("layout 9"));
}

#[tokio::test]
async fn a_job_enqueued_while_all_workers_sleep_wakes_one() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    for round in 0..20 {
        let id = format!("job-{round}");
        queue.enqueue(Note::job(&id, "lane", "x")).await.unwrap();
        worker.next().await.tell(Script::Complete);
        until_state(&queue, &id, JobState::Done).await;
    }
    worker.stop().await;
}

/// Fails unless the queue says that this enqueue may be tried again, and returns why it failed.
async fn refused(queue: &Queue, id: &str) -> String {
    let refused = queue.enqueue(Note::job(id, "lane", "x")).await;
    let refused = refused.unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
    refused
        .source()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again_in_the_middle_of_the_work() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    // A worker that only just starts needs them twice in a row.
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    for round in 0..10 {
        let id = format!("job-{round}");
        redis.command("SCRIPT FLUSH");
        queue.enqueue(Note::job(&id, "lane", "x")).await.unwrap();
        redis.command("SCRIPT FLUSH");
        let running = worker.next().await;
        assert_eq!(running.attempt, 1);
        redis.command("SCRIPT FLUSH");
        running.tell(Script::Complete);
        until_state(&queue, &id, JobState::Done).await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn an_attempt_whose_redis_was_emptied_brings_nothing_back_and_its_worker_carries_on() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let running = worker.next().await;
    redis.command("FLUSHALL");
    running.tell(Script::Complete);
    queue.reinstall().await.unwrap();
    queue.enqueue(Note::job("b", "lane", "y")).await.unwrap();
    let next = worker.next().await;
    assert_eq!(next.text, "y");
    next.tell(Script::Complete);
    until_state(&queue, "b", JobState::Done).await;
    worker.stop().await;
    let forgotten = queue.find_job(&signalbox_core::JobId::new(["a"])).await;
    assert_eq!(forgotten.unwrap(), None);
    let depth = queue.depth().await.unwrap();
    assert!(depth.values().all(|count| *count == 0), "{depth:?}");
}

#[tokio::test]
async fn a_redis_that_is_read_only_for_a_while_takes_the_outcome_and_new_jobs_afterwards() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let running = worker.next().await;
    // A replica of nobody that can be reached keeps what it has, and takes no writes.
    redis.command("REPLICAOF 127.0.0.1 1");
    running.tell(Script::Complete);
    let why = refused(&queue, "b").await;
    assert!(
        why.to_lowercase().contains("read only") || why.contains("READONLY"),
        "{why}"
    );
    redis.command("REPLICAOF NO ONE");
    until_state(&queue, "a", JobState::Done).await;
    until_taken(&queue, Note::job("b", "lane", "x")).await;
    let next = worker.next().await;
    assert_eq!(next.attempt, 1);
    next.tell(Script::Complete);
    until_state(&queue, "b", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_redis_that_loads_for_long_after_a_restart_is_waited_for() {
    let mut redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    let many = (0..200).map(|n| Note::job(&format!("job-{n}"), "lane", "x"));
    queue.enqueue_all(many.collect()).await.unwrap();
    // Enough to read back: Redis answers while it loads after every thousand commands or so.
    redis.script("for n = 1, 20000 do redis.call('SET', 'filler', n) end return 'done'");
    let running = worker.next().await;
    redis.kill();
    redis.restart_slowly(Duration::from_micros(20));
    running.tell(Script::Complete);
    while redis.says_that_it_loads() {
        let sent = queue.enqueue(Note::job("late", "lane", "x")).await;
        if let Err(error) = sent {
            assert!(error.is_transient(), "{error:?}");
        }
    }
    until_state(&queue, "job-0", JobState::Done).await;
    let next = worker.next().await;
    assert_eq!(next.attempt, 1);
    until_taken(&queue, Note::job("late", "lane", "x")).await;
    worker.stop().await;
    let depth = queue.depth().await.unwrap();
    let ready = depth.get(&("note".to_owned(), JobState::Ready));
    // All but the first, and the late one.
    assert_eq!(ready, Some(&200));
}
