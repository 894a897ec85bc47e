//! A Redis that fills up refuses signals from outside, does what it was given, and takes signals again by itself.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Steered, until};
use jiff::Timestamp;
use signalbox_core::{EffectKey, JobId, LaneLimits, Payload};
use signalbox_queue::{
    Counts, HeldBudget, Intent, JobState, Permission, Queue, QueueError, Retention,
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

/// By age, this keeps everything that these tests end.
pub(super) fn retention() -> Retention {
    let day = Duration::from_secs(86_400);
    Retention {
        finished: day * 7,
        finished_most: 1000,
        records: day * 2,
        records_most: 100,
        records_bytes: 1 << 30,
        effects: day * 400,
        dead: day * 90,
        dead_most: 10,
        dead_bytes: 1 << 30,
    }
}

/// Enqueues and ends `count` jobs, a millisecond apart.
async fn end(queue: &Queue, name: &str, count: usize, verb: Verb) {
    let jobs = (0..count).map(|n| Note::job(&format!("{name}-{n}"), "lane", "x"));
    queue.enqueue_all(jobs.collect()).await.unwrap();
    let fetched = protocol::fetch(queue, &Note::QUEUE, LONG, count)
        .await
        .unwrap();
    assert_eq!(fetched.len(), count);
    for (n, job) in fetched.iter().enumerate() {
        let later = queue.at(at(i64::try_from(n).unwrap()));
        let ended = protocol::settle(&later, &job.lease, verb.clone(), "a word").await;
        assert!(ended.unwrap());
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

#[tokio::test]
async fn the_oldest_of_too_many_finished_and_dead_jobs_are_trimmed_in_portions() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    end(&queue, "done", 2500, Verb::Complete).await;
    end(&queue, "dead", 15, Verb::Dead).await;
    let now = at(10_000);
    let kept = Retention {
        finished_most: 200,
        ..retention()
    };
    let trimmed = queue.trim(now, &kept, &[Note::QUEUE]).await.unwrap();
    assert_eq!(trimmed.finished, 2300);
    assert_eq!((trimmed.dead, trimmed.dead_too_many), (5, 5));
    let job = async |id: &str| queue.job(&Note::root(), &JobId::new([id])).await.unwrap();
    assert_eq!(job("done-2299").await, None);
    assert_eq!(job("done-2399").await.unwrap().reason, "");
    assert_eq!(job("done-2400").await.unwrap().reason, "a word");
    assert_eq!(job("dead-4").await, None);
    assert!(job("dead-5").await.is_some());
    let again = queue.trim(now, &kept, &[Note::QUEUE]).await.unwrap();
    assert_eq!(again, Counts::default());
}

#[tokio::test]
async fn the_oldest_of_what_takes_too_much_go_first_whatever_their_number() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    end(&queue, "done", 50, Verb::Complete).await;
    end(&queue, "dead", 9, Verb::Dead).await;
    let counted = |index: &str| -> u64 {
        let get = format!("return redis.call('HGET', '{{test/0}}:bytes', '{index}') or '0'");
        redis.script(&get).parse().unwrap()
    };
    let (dead, finished) = (counted("dead:note"), counted("finished"));
    let kept = Retention {
        dead_bytes: dead * 4 / 9,
        // The ids of those that go are shorter in part.
        records_bytes: finished / 5 + 10,
        ..retention()
    };
    let queues = [Note::QUEUE];
    let trimmed = queue.trim(at(10_000), &kept, &queues).await.unwrap();
    assert_eq!((trimmed.dead, trimmed.dead_too_many), (5, 5));
    assert_eq!((trimmed.records, trimmed.finished), (40, 0));
    assert!(counted("dead:note") <= kept.dead_bytes);
    let job = async |id: &str| queue.job(&Note::root(), &JobId::new([id])).await.unwrap();
    assert_eq!(job("dead-4").await, None);
    assert!(job("dead-5").await.is_some());
    assert_eq!(job("done-39").await.unwrap().reason, "");
    assert_eq!(job("done-40").await.unwrap().reason, "a word");
    let nothing = Retention {
        dead: Duration::ZERO,
        records: Duration::ZERO,
        ..retention()
    };
    queue.trim(at(10_000), &nothing, &queues).await.unwrap();
    assert_eq!((counted("dead:note"), counted("finished")), (0, 0));
}

#[tokio::test]
async fn what_a_route_holds_above_its_budget_is_archived_from_the_oldest_on_and_status_says_so() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for n in 0..10 {
        let later = queue.at(at(n));
        let job = Note::job(&format!("post-{n}"), "lane", "x").held_with("route/r");
        later.enqueue(job).await.unwrap();
    }
    let other = Note::job("other", "lane", "x").held_with("unknown/r");
    queue.enqueue(other).await.unwrap();
    let route = |group: &str| group.starts_with("route/");
    let budget = |most, bytes| HeldBudget { most, bytes };
    let archived = queue
        .archive_held(&budget(7, 1 << 30), route)
        .await
        .unwrap();
    assert_eq!(
        archived.into_iter().collect::<Vec<_>>(),
        [("route/r".to_owned(), 3)]
    );
    let bytes = redis.script("return redis.call('HGET', '{test/0}:bytes', 'held:route/r')");
    let bytes: u64 = bytes.parse().unwrap();
    let archived = queue
        .archive_held(&budget(100, bytes * 2 / 7), route)
        .await
        .unwrap();
    assert_eq!(archived["route/r"], 5);
    let job = async |id: &str| queue.job(&Note::root(), &JobId::new([id])).await.unwrap();
    let oldest = job("post-0").await.unwrap();
    assert_eq!(oldest.state, JobState::Cancelled);
    assert!(oldest.reason.starts_with("archived"), "{}", oldest.reason);
    assert_eq!(job("post-8").await.unwrap().state, JobState::Held);
    let told = queue.archived().await.unwrap()["route/r"];
    assert_eq!((told.jobs, told.first, told.last), (8, at(0), at(7)));
    assert_eq!(queue.archived_ids("route/r").await.unwrap()[0], "post-0");
    assert_eq!(queue.held_count("unknown/r").await.unwrap(), 1);
    assert_eq!(queue.release_group("route/r").await.unwrap(), 2);
    assert!(!queue.archived().await.unwrap().is_empty());
    queue.mark_group_as_seen("route/r").await.unwrap();
    assert!(queue.archived().await.unwrap().is_empty());
}

#[tokio::test]
async fn finished_jobs_make_room_early_when_memory_is_short() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    end(&queue, "done", 50, Verb::Complete).await;
    let soon = at(60_000);
    let trimmed = queue.trim(soon, &retention(), &[]).await.unwrap();
    assert_eq!(trimmed, Counts::default());
    overfill(&redis, &queue).await;
    let trimmed = queue.trim(soon, &retention(), &[]).await.unwrap();
    assert_eq!((trimmed.records, trimmed.finished), (50, 0));
    let trimmed = queue.trim(at(7_200_000), &retention(), &[]).await.unwrap();
    assert_eq!(trimmed.finished, 50);
}
