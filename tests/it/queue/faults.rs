//! Redis restarts, vanishes or forgets: the worker carries on and nothing is lost.

use harness::{Note, RedisServer, Script, Steered};
use signalbox_queue::{JobState, Origin, Queue, QueueError};

use super::{LONG, until_state};

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
