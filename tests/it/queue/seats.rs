//! What is enqueued in the process of a worker that has room for it.

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use harness::{Note, RedisServer, Script, Steered};
use signalbox_core::{Clock, LaneName, SystemClock};
use signalbox_queue::{JobState, Queue};

use super::{until_state, view};

/// With such a lease a worker looks for work by itself only after the tests have given up.
const ENDLESS: Duration = Duration::from_secs(240);

/// Runs one job through, after which the worker sleeps on its bell.
async fn settle_in(queue: &Queue, worker: &mut Steered) {
    queue
        .enqueue(Note::job("first", "lane", "first"))
        .await
        .unwrap();
    worker.next().await.tell(Script::Complete);
    until_state(queue, "first", JobState::Done).await;
}

fn bells_rung(redis: &RedisServer) -> usize {
    let stats = redis.command("INFO commandstats");
    let pushed = stats.split("cmdstat_lpush:calls=").nth(1);
    let count = pushed.and_then(|rest| rest.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_job_that_finds_room_in_its_own_process_wakes_nobody() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::beside(&queue, ENDLESS);
    settle_in(&queue, &mut worker).await;
    redis.command("CONFIG RESETSTAT");
    for number in 0..10 {
        let id = format!("job-{number}");
        queue.enqueue(Note::job(&id, "lane", &id)).await.unwrap();
        let started = worker.next().await;
        assert_eq!((started.text.as_str(), started.attempt), (id.as_str(), 1));
        started.tell(Script::Complete);
        until_state(&queue, &id, JobState::Done).await;
    }
    // A worker that happens to look at that moment has no room to offer.
    assert!(
        bells_rung(&redis) <= 1,
        "{} of 10 jobs rang the bell",
        bells_rung(&redis)
    );
    worker.stop().await;
}

#[tokio::test]
async fn more_than_there_is_room_for_waits_and_is_fetched_as_room_comes_back() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::beside(&queue, ENDLESS);
    settle_in(&queue, &mut worker).await;
    let jobs = (0..20).map(|number| Note::job(&format!("job-{number}"), "lane", "x"));
    queue.enqueue_all(jobs.collect()).await.unwrap();
    for _ in 0..20 {
        worker.next().await.tell(Script::Complete);
    }
    for number in 0..20 {
        let done = until_state(&queue, &format!("job-{number}"), JobState::Done).await;
        assert_eq!(done.attempt, 1);
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_finds_room_and_a_closed_lane_starts_when_the_lane_opens() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::beside(&queue, ENDLESS);
    settle_in(&queue, &mut worker).await;
    let until = SystemClock.now() + Duration::from_millis(400);
    let lane = LaneName::new(["lane"]);
    queue
        .close_lane(&Note::root(), &lane, until, "429")
        .await
        .unwrap();
    queue
        .enqueue(Note::job("gated", "lane", "gated"))
        .await
        .unwrap();
    assert_eq!(view(&queue, "gated").await.state, JobState::Ready);
    // Within 30 s, while the worker looks by itself after 60 s.
    let started = worker.next().await;
    assert!(SystemClock.now() >= until, "the gate was not respected");
    started.tell(Script::Complete);
    worker.stop().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_job_behind_with_nobody() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::beside(&queue, ENDLESS);
    settle_in(&queue, &mut worker).await;
    for number in 0..20 {
        let id = format!("job-{number}");
        // Polled once, which sends the job, then dropped.
        drop(
            queue
                .enqueue_all(vec![Note::job(&id, "lane", &id)])
                .now_or_never(),
        );
        let started = worker.next().await;
        assert_eq!((started.text.as_str(), started.attempt), (id.as_str(), 1));
        started.tell(Script::Complete);
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_stops_while_others_enqueue_leaves_no_job_running() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for round in 0..5 {
        let worker = Steered::beside(&queue, ENDLESS);
        let jobs = (0..200).map(|number| format!("job-{round}-{number}"));
        let enqueued = jobs.map(|id| {
            let queue = &queue;
            async move { queue.enqueue_all(vec![Note::job(&id, "lane", "x")]).await }
        });
        let (enqueued, ()) = tokio::join!(join_all(enqueued), worker.stop());
        assert!(enqueued.iter().all(Result::is_ok), "{enqueued:?}");
        let depth = queue.depth().await.unwrap();
        let running = depth.get(&("note".to_owned(), JobState::Running));
        assert_eq!(running.copied().unwrap_or(0), 0, "round {round}: {depth:?}");
    }
}
