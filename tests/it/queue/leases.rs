//! Leases, tokens and what a late answer can do: nothing.

use harness::{Note, RedisServer, Script, Started, Steered};
use signalbox_core::{JobId, Payload};
use signalbox_queue::{JobState, Queue, protocol};

use super::{LONG, SHORT, until_state, view};

#[tokio::test]
async fn the_job_of_a_vanished_worker_runs_again() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut dying = Steered::start(&redis, SHORT);
    let _lost = dying.next().await;
    dying.vanish();
    let mut other = Steered::start(&redis, SHORT);
    let again = other.next().await;
    assert_eq!(view(&queue, "a").await.deaths, 1);
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    other.stop().await;
}

#[tokio::test]
async fn a_long_handler_keeps_its_lease() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, SHORT);
    let started = worker.next().await;
    let first = started.lease.until();
    while started.lease.until() <= first + SHORT * 3 {
        tokio::task::yield_now().await;
    }
    assert!(started.tell(Script::Complete), "the handler was stopped");
    let done = until_state(&queue, "a", JobState::Done).await;
    assert_eq!((done.attempt, done.deaths), (1, 0));
    worker.stop().await;
}

#[tokio::test]
async fn a_late_answer_is_refused_even_after_the_attempt_number_came_back() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    // The first attempt is given back by a stop, which lowers the attempt number again.
    let mut first = Steered::start(&redis, LONG);
    let late = first.next().await;
    first.stop().await;
    let mut second = Steered::start(&redis, LONG);
    let current = second.next().await;
    assert_eq!((late.attempt, current.attempt), (1, 1));
    assert_ne!(late.lease.token, current.lease.token);
    let intent = queue
        .intend(
            &late.lease,
            &signalbox_core::EffectKey::from_stored("e"),
            None,
        )
        .await;
    assert!(
        intent.is_err(),
        "a lost lease declared an effect: {intent:?}"
    );
    assert_eq!(view(&queue, "a").await.state, JobState::Running);
    current.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    second.stop().await;
}

#[tokio::test]
async fn a_stop_gives_running_jobs_back_at_its_deadline_and_burns_no_attempt() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let hanging = worker.next().await;
    worker.stop().await;
    let job = view(&queue, "a").await;
    assert_eq!(
        (job.state, job.attempt, job.deaths),
        (JobState::Ready, 0, 0)
    );
    assert!(!hanging.tell(Script::Complete), "the handler went on");
}

#[tokio::test]
async fn a_change_during_a_lost_read_is_read_once_with_the_newest_payload() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let job = |text: &str, changed: i64| {
        let changed = jiff::Timestamp::from_second(changed).unwrap();
        Note::job("a", "lane", text).keep_last(changed)
    };
    queue.enqueue(job("old", 1)).await.unwrap();
    let mut dying = Steered::start(&redis, SHORT);
    let _lost = dying.next().await;
    queue.enqueue(job("new", 2)).await.unwrap();
    dying.vanish();
    let mut other = Steered::start(&redis, SHORT);
    let again = other.next().await;
    assert_eq!(again.text, "new");
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    other.stop().await;
}

async fn add(queue: &Queue, text: &str) {
    queue.enqueue(Note::job(text, text, text)).await.unwrap();
}

/// Time enough for others to start, if they may.
async fn renewed_twice(started: &Started) {
    let first = started.lease.until();
    while started.lease.until() <= first + SHORT {
        tokio::time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_job_that_lost_two_workers_waits_for_all_others_and_all_others_wait_for_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let poison = JobId::new(["poison"]);
    add(&queue, "poison").await;
    for _ in 0..2 {
        let mut dying = Steered::start(&redis, SHORT);
        assert_eq!(dying.next().await.text, "poison");
        dying.vanish();
    }
    until_deaths(&queue, "poison", 2).await;
    queue.hold_job(&poison, "later", "").await.unwrap();
    let mut worker = Steered::start(&redis, SHORT);
    add(&queue, "before").await;
    let before = worker.next().await;
    queue.release_job(&poison).await.unwrap();
    renewed_twice(&before).await;
    assert!(!worker.has_started());
    before.tell(Script::Complete);
    let poison = worker.next().await;
    assert_eq!(poison.text, "poison");
    add(&queue, "after").await;
    renewed_twice(&poison).await;
    assert!(!worker.has_started());
    poison.tell(Script::Complete);
    let after = worker.next().await;
    assert_eq!(after.text, "after");
    after.tell(Script::Complete);
    worker.stop().await;
}

/// Fetches, as any worker's waiter does, until the job is known to have lost this many workers.
async fn until_deaths(queue: &Queue, id: &str, deaths: u32) {
    while view(queue, id).await.deaths < deaths {
        let found = protocol::fetch(queue, &Note::QUEUE, SHORT, 1)
            .await
            .unwrap();
        assert!(found.is_empty(), "{found:?}");
        tokio::time::sleep(SHORT / 10).await;
    }
}
