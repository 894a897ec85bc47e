//! A Redis that fills up refuses signals from outside, does what it was given, and takes signals again by itself.

use harness::{Note, RedisServer, Script, Steered, until};
use signalbox_core::{EffectKey, LaneLimits, Payload};
use signalbox_queue::{
    Intent, JobState, Permission, Queue, QueueError,
    protocol::{self, Leased, Verb},
};

use super::{LONG, until_state};

/// Of the memory that an empty Redis does not need by itself.
const ROOM: u64 = 4 * 1024 * 1024;

/// A server of its own size with room for so many bytes.
async fn with_room(redis: &RedisServer, bytes: u64) -> Queue {
    let queue = redis.queue().await;
    let used = queue.memory().await.unwrap().used;
    redis.command(&format!("CONFIG SET maxmemory {}", used + bytes));
    queue
}

/// Takes in signals until the queue refuses one; returns how many it took.
async fn fill(queue: &Queue, name: &str) -> usize {
    for round in 0..10_000 {
        let jobs = (0..20).map(|n| {
            let id = format!("{name}-{round}-{n}");
            Note::job(&id, "lane", &format!("{id} ").repeat(200))
        });
        match queue.take_in(jobs.collect()).await {
            Ok(_) => {}
            Err(QueueError::Full { used, most }) => {
                assert!(used > most / 5 * 4, "{used} of {most}");
                return round * 20;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("{ROOM} bytes took 200,000 signals")
}

/// Leaves Redis no byte for whatever is not allowed to go beyond the limit.
async fn overfill(redis: &RedisServer, queue: &Queue) {
    let used = queue.memory().await.unwrap().used;
    redis.command(&format!("CONFIG SET maxmemory {}", used - 256 * 1024));
    assert!(redis.command("SET something else").contains("OOM"));
}

async fn fetch_one(queue: &Queue) -> Leased {
    let mut fetched = protocol::fetch(queue, &Note::QUEUE, LONG, 1).await.unwrap();
    fetched.remove(0)
}

#[tokio::test]
async fn a_full_redis_refuses_signals_drains_and_takes_signals_again_by_itself() {
    let redis = RedisServer::start();
    let queue = with_room(&redis, ROOM).await;
    let taken = fill(&queue, "early").await;
    assert!(taken > 200, "only {taken} signals had room");
    overfill(&redis, &queue).await;
    let mut worker = Steered::start(&redis, LONG);
    for _ in 0..taken {
        worker.next().await.tell(Script::Complete);
    }
    until("a signal is taken again", async || {
        let late = queue.take_in(vec![Note::job("late", "lane", "x")]).await;
        late.is_ok()
    })
    .await
    .unwrap();
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "late", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_follows_from_a_job_passes_in_a_redis_that_is_over_its_limit() {
    let redis = RedisServer::start();
    let queue = with_room(&redis, ROOM).await;
    fill(&queue, "early").await;
    overfill(&redis, &queue).await;
    // A restarted Redis is full again and knows no script.
    redis.command("SCRIPT FLUSH");
    let job = fetch_one(&queue).await;
    let effect = EffectKey::from_stored("effect");
    let lanes = [(Note::root(), LaneLimits::none())];
    let permit = queue.permit(&job.lease, &lanes, 1).await;
    let Ok(Permission::Granted(permit)) = permit else {
        panic!("{permit:?}")
    };
    let intent = queue.intend(&job.lease, &effect, None).await;
    assert_eq!(intent.unwrap(), Intent::Fresh);
    assert!(queue.withdraw(&job.lease, &effect).await.unwrap());
    queue.intend(&job.lease, &effect, None).await.unwrap();
    assert!(queue.confirm(&job.lease, &effect, "id").await.unwrap());
    queue.give_back(permit).await.unwrap();
    let follow_up = Note::job("follow-up", "lane", &"x".repeat(2000));
    queue.enqueue(follow_up).await.unwrap();
    assert!(protocol::renew(&queue, &job.lease, LONG).await.unwrap());
    let ended = protocol::settle(&queue, &job.lease, Verb::Complete, "with a word").await;
    assert!(ended.unwrap());
    let refused = queue.take_in(vec![Note::job("signal", "lane", "x")]).await;
    assert!(
        matches!(refused, Err(QueueError::Full { .. })),
        "{refused:?}"
    );
}
