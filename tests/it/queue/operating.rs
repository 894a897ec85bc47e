//! What a person does with jobs, on every state: it is done whole or not at all, and the counters stay right.

use std::collections::BTreeSet;

use harness::{Note, RedisServer, Script, Steered};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{EffectKey, JobId, LaneName, Payload};
use signalbox_queue::{
    DeadFilter, EffectState, Enqueued, JobState, NewJob, Operated, Queue, Retention, protocol,
};

use super::{LONG, until_state, view};

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

fn id(id: &str) -> JobId {
    JobId::new([id])
}

fn job() -> NewJob {
    Note::job("a", "lane", "x")
}

fn later() -> Timestamp {
    "2100-01-01T00:00:00Z".parse().unwrap()
}

/// What is counted, without the zeros.
async fn counted(queue: &Queue) -> Vec<(JobState, i64)> {
    let depth = queue.depth().await.unwrap();
    let depth = depth.into_iter().filter(|(_, count)| *count != 0);
    depth.map(|((_, state), count)| (state, count)).collect()
}

/// A queue on which `ids` died in this order, each with the reason `will not succeed: told to fail`.
async fn graveyard(redis: &RedisServer, ids: &[&str]) -> Queue {
    let queue = redis.queue().await;
    let mut worker = Steered::with_concurrency(redis, LONG, 1);
    for id in ids {
        queue.enqueue(Note::job(id, "lane", id)).await.unwrap();
        worker.next().await.tell(Script::Fail);
        until_state(&queue, id, JobState::Dead).await;
    }
    worker.stop().await;
    queue
}

#[tokio::test]
async fn a_waiting_job_that_is_cancelled_is_over_and_absorbs_the_same_news() {
    for (waiting, state) in [
        (job(), JobState::Ready),
        (job().due(later()), JobState::Scheduled),
        (job().held_with("g"), JobState::Held),
    ] {
        let redis = RedisServer::start();
        let queue = redis.queue().await;
        queue.enqueue(waiting).await.unwrap();
        let done = queue.cancel_job(&id("a"), "a mistake").await.unwrap();
        assert_eq!(done, Operated::Moved(state));
        let cancelled = view(&queue, "a").await;
        assert_eq!(cancelled.state, JobState::Cancelled);
        assert_eq!(cancelled.reason, "a mistake");
        assert_eq!(counted(&queue).await, []);
        assert!(queue.held_groups().await.unwrap().is_empty());
        let handed_out = protocol::fetch(&queue, &Note::QUEUE, DAY, 1).await;
        assert!(handed_out.unwrap().is_empty());
        assert_eq!(redis.command("EXISTS {test/0}:lanes:note"), ":0\r\n");
        let again = queue.cancel_job(&id("a"), "again").await.unwrap();
        assert_eq!(again, Operated::Kept(JobState::Cancelled));
        let absorbed = queue.enqueue(job()).await.unwrap();
        assert_eq!(absorbed, Enqueued::Absorbed(JobState::Cancelled));
    }
}

#[tokio::test]
async fn a_running_job_is_neither_cancelled_nor_held_and_the_answer_says_that_it_runs() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(job()).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let running = worker.next().await;
    let kept = Operated::Kept(JobState::Running);
    assert_eq!(queue.cancel_job(&id("a"), "").await.unwrap(), kept);
    assert_eq!(queue.hold_job(&id("a"), "g", "").await.unwrap(), kept);
    assert_eq!(queue.release_job(&id("a")).await.unwrap(), kept);
    assert_eq!(queue.revive_job(&id("a")).await.unwrap(), kept);
    running.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_cancelled_job_gives_way_to_a_change_and_is_trimmed_as_a_done_one_is() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(job()).await.unwrap();
    queue.cancel_job(&id("a"), "").await.unwrap();
    let change = job().keep_last(later());
    assert_eq!(queue.enqueue(change).await.unwrap(), Enqueued::New);
    queue.cancel_job(&id("a"), "").await.unwrap();
    let retention = Retention {
        finished: DAY,
        records: DAY,
        effects: DAY,
        dead: DAY,
        finished_most: 1000,
        records_most: 1000,
        records_bytes: 1 << 30,
        dead_most: 1000,
        dead_bytes: 1 << 30,
    };
    let trimmed = queue.trim(later(), &retention, &[]).await.unwrap();
    assert_eq!(trimmed.finished, 1);
    assert_eq!(queue.find_job(&id("a")).await.unwrap(), None);
    let missing = queue.cancel_job(&id("a"), "").await.unwrap();
    assert_eq!(missing, Operated::Missing);
}

#[tokio::test]
async fn a_ready_job_that_is_held_lets_others_pass_and_runs_when_it_alone_is_released() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for name in ["a", "b", "c"] {
        queue.enqueue(Note::job(name, "lane", name)).await.unwrap();
    }
    for name in ["a", "b"] {
        let held = queue
            .hold_job(&id(name), "operator/ann", "wait for Ann")
            .await;
        assert_eq!(held.unwrap(), Operated::Moved(JobState::Ready));
    }
    let again = queue.hold_job(&id("a"), "operator/bob", "").await.unwrap();
    assert_eq!(again, Operated::Kept(JobState::Held));
    assert_eq!(view(&queue, "a").await.reason, "wait for Ann");
    assert_eq!(queue.held_groups().await.unwrap()["operator/ann"], 2);
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    let passed = worker.next().await;
    assert_eq!(passed.text, "c");
    let released = queue.release_job(&id("b")).await.unwrap();
    assert_eq!(released, Operated::Moved(JobState::Held));
    passed.tell(Script::Complete);
    let next = worker.next().await;
    assert_eq!(next.text, "b");
    next.tell(Script::Complete);
    until_state(&queue, "b", JobState::Done).await;
    assert_eq!(counted(&queue).await, [(JobState::Held, 1)]);
    worker.stop().await;
}

#[tokio::test]
async fn a_scheduled_job_that_is_held_waits_for_its_instant_after_its_release() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(job().due(later())).await.unwrap();
    for alone in [true, false] {
        let held = queue.hold_job(&id("a"), "operator/ann", "").await.unwrap();
        assert_eq!(held, Operated::Moved(JobState::Scheduled));
        if alone {
            queue.release_job(&id("a")).await.unwrap();
        } else {
            queue.release_group("operator/ann").await.unwrap();
        }
        let job = view(&queue, "a").await;
        assert_eq!((job.state, job.due), (JobState::Scheduled, Some(later())));
        assert_eq!(counted(&queue).await, [(JobState::Scheduled, 1)]);
    }
}

#[tokio::test]
async fn a_held_job_takes_over_the_earlier_due_time_of_newer_news() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let news = |at| job().keep_last(at);
    queue.enqueue(news(later()).due(later())).await.unwrap();
    queue.hold_job(&id("a"), "operator/ann", "").await.unwrap();
    queue
        .enqueue(news(later() + SignedDuration::from_secs(1)))
        .await
        .unwrap();
    queue.release_job(&id("a")).await.unwrap();
    let job = view(&queue, "a").await;
    assert_eq!((job.state, job.due), (JobState::Ready, None));
}

#[tokio::test]
async fn one_unknown_post_that_is_released_may_be_made_and_the_others_stay_unknown() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    let effect = |name: &str| EffectKey::from_stored(format!("effect/{name}"));
    for name in ["a", "b"] {
        let job = Note::job(name, "lane", name).unless_known(effect(name));
        queue.enqueue(job).await.unwrap();
        let started = worker.next().await;
        let intent = queue.intend(&started.lease, &effect(name), None).await;
        intent.unwrap();
        started.tell(Script::Hold("unknown/r"));
        until_state(&queue, name, JobState::Held).await;
    }
    worker.stop().await;
    queue.release_job(&id("a")).await.unwrap();
    let states = queue
        .effect_states(&Note::root(), &[effect("a"), effect("b")])
        .await
        .unwrap();
    assert_eq!(states[0], EffectState::Fresh);
    assert_ne!(states[1], EffectState::Fresh);
    assert_eq!(view(&queue, "b").await.state, JobState::Held);
}

#[tokio::test]
async fn a_dead_job_is_brought_back_once_with_all_its_attempts() {
    let redis = RedisServer::start();
    let queue = graveyard(&redis, &["a"]).await;
    let first = queue.revive_job(&id("a")).await.unwrap();
    assert_eq!(first, Operated::Moved(JobState::Dead));
    let second = queue.revive_job(&id("a")).await.unwrap();
    assert_eq!(second, Operated::Kept(JobState::Ready));
    assert_eq!(counted(&queue).await, [(JobState::Ready, 1)]);
    assert!(queue.dead_jobs("note", 10).await.unwrap().is_empty());
    let mut worker = Steered::start(&redis, LONG);
    let again = worker.next().await;
    assert_eq!(again.attempt, 1);
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn dead_jobs_are_counted_first_and_come_back_by_reason_in_the_order_of_their_enqueue() {
    let redis = RedisServer::start();
    let queue = graveyard(&redis, &["c", "a", "b"]).await;
    queue.enqueue(Note::job("d", "lane", "d")).await.unwrap();
    let mut filter = DeadFilter {
        failed_with: Some("403"),
        ..DeadFilter::default()
    };
    assert_eq!(queue.count_dead(&filter).await.unwrap(), 0);
    assert_eq!(queue.revive_dead(&filter).await.unwrap(), 0);
    filter.failed_with = Some("told to fail");
    assert_eq!(queue.count_dead(&filter).await.unwrap(), 3);
    assert_eq!(queue.revive_dead(&filter).await.unwrap(), 3);
    assert_eq!(queue.count_dead(&filter).await.unwrap(), 0);
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    for expected in ["c", "a", "b", "d"] {
        let next = worker.next().await;
        assert_eq!(next.text, expected);
        next.tell(Script::Complete);
    }
    until_state(&queue, "d", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn more_dead_jobs_than_one_portion_all_come_back() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let crowd = (0..1100).map(|n| Note::job(&format!("job-{n}"), "lane", "x"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    let mut worker = Steered::with_concurrency(&redis, LONG, 64);
    for _ in 0..1100 {
        worker.next().await.tell(Script::Fail);
    }
    worker.stop().await;
    let note = DeadFilter {
        queue: Some("note"),
        ..DeadFilter::default()
    };
    assert_eq!(queue.count_dead(&note).await.unwrap(), 1100);
    assert_eq!(queue.revive_dead(&note).await.unwrap(), 1100);
    assert_eq!(counted(&queue).await, [(JobState::Ready, 1100)]);
}

#[tokio::test]
async fn an_id_alone_finds_its_job_in_any_partition() {
    let redis = RedisServer::start();
    let options = signalbox_queue::QueueOptions {
        partitions: 5,
        ..redis.options(None)
    };
    let (queue, _) = Queue::connect(options).await.unwrap();
    for n in 0..20 {
        let name = format!("job-{n}");
        let root = signalbox_core::LaneChain::root(LaneName::new([name.as_str()]));
        let note = Note {
            text: String::new(),
        };
        let job = NewJob::new(id(&name), root, note, None).unwrap();
        queue.enqueue(job).await.unwrap();
    }
    let every = signalbox_queue::JobFilter::default();
    let listed = queue.list_jobs(&every, None, 100);
    let listed: BTreeSet<JobId> = listed
        .await
        .unwrap()
        .jobs
        .into_iter()
        .map(|j| j.id)
        .collect();
    assert_eq!(listed.len(), 20);
    for found in listed {
        assert!(queue.find_job(&found).await.unwrap().is_some());
        let done = queue.cancel_job(&found, "").await.unwrap();
        assert_eq!(done, Operated::Moved(JobState::Ready));
    }
    assert_eq!(counted(&queue).await, []);
}

#[tokio::test]
async fn the_oldest_ready_job_of_a_queue_is_found_in_whichever_lane_it_waits() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    assert_eq!(queue.oldest_ready("note").await.unwrap(), None);
    for (name, seconds) in [("a", 0), ("b", 10), ("c", 20)] {
        let then = queue.at(later() + SignedDuration::from_secs(seconds));
        then.enqueue(Note::job(name, name, name)).await.unwrap();
    }
    let then = queue.at(later() + SignedDuration::from_secs(60));
    let seconds = |age: Option<std::time::Duration>| age.unwrap().as_secs();
    assert_eq!(seconds(then.oldest_ready("note").await.unwrap()), 60);
    queue.hold_job(&id("a"), "operator/ann", "").await.unwrap();
    assert_eq!(seconds(then.oldest_ready("note").await.unwrap()), 50);
}
