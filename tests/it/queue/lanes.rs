//! Lanes that are shut: by a gate, by an operator, by a fault. No job of theirs is handed out meanwhile.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Steered};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{LaneLimits, LaneName, SystemClock};
use signalbox_queue::{JobState, LaneFault, Queue};

use super::{LONG, until_state, view};

fn now() -> Timestamp {
    signalbox_core::Clock::now(&SystemClock)
}

fn lane() -> LaneName {
    LaneName::new(["lane"])
}

fn fault() -> LaneFault {
    LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "set a new one".to_owned(),
    }
}

/// A queue with one job in `lane` and one in `other`, both below the root.
async fn two_lanes(redis: &RedisServer) -> Queue {
    let queue = redis.queue().await;
    for lane in ["lane", "other"] {
        queue.enqueue(Note::job(lane, lane, lane)).await.unwrap();
    }
    queue
}

#[tokio::test]
async fn a_closed_lane_waits_for_its_instant_and_others_run_meanwhile() {
    let redis = RedisServer::start();
    let queue = two_lanes(&redis).await;
    let until = now() + SignedDuration::from_millis(400);
    queue
        .close_lane(&Note::root(), &lane(), until, "429")
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let first = worker.next().await;
    assert_eq!(first.text, "other");
    first.tell(Script::Complete);
    let second = worker.next().await;
    assert_eq!(second.text, "lane");
    assert!(now() >= until, "a job of a closed lane was handed out");
    second.tell(Script::Complete);
    until_state(&queue, "lane", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn of_two_instants_the_later_one_holds() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let later = now() + SignedDuration::from_hours(1);
    for until in [later, now()] {
        queue
            .close_lane(&Note::root(), &lane(), until, "429")
            .await
            .unwrap();
    }
    let view = queue.lane(&Note::root(), &lane()).await.unwrap();
    let gate = view.gate.unwrap();
    assert_eq!(gate.0.as_millisecond(), later.as_millisecond());
}

#[tokio::test]
async fn a_shut_root_shuts_every_lane_below_it_until_it_is_opened() {
    let redis = RedisServer::start();
    let queue = two_lanes(&redis).await;
    queue
        .pause_lane(&Note::root(), &Note::root(), "maintenance")
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    // A job of another root proves that the worker fetched and passed the paused lanes by.
    let stranger = signalbox_core::LaneChain::root(LaneName::new(["stranger"]));
    let job = signalbox_queue::NewJob::new(
        signalbox_core::JobId::new(["stranger"]),
        stranger,
        Note {
            text: "stranger".to_owned(),
        },
        None,
    );
    queue.enqueue(job.unwrap()).await.unwrap();
    let first = worker.next().await;
    assert_eq!(first.text, "stranger");
    first.tell(Script::Complete);
    assert_eq!(view(&queue, "lane").await.state, JobState::Ready);
    queue
        .resume_lane(&Note::root(), &Note::root())
        .await
        .unwrap();
    for _ in 0..2 {
        worker.next().await.tell(Script::Complete);
    }
    until_state(&queue, "lane", JobState::Done).await;
    until_state(&queue, "other", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_gate_that_is_opened_early_wakes_a_sleeping_worker() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let far = now() + SignedDuration::from_hours(1);
    queue
        .close_lane(&Note::root(), &lane(), far, "429")
        .await
        .unwrap();
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(&redis, LONG);
    queue.open_lane(&Note::root(), &lane()).await.unwrap();
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_broken_lane_lets_one_job_through_at_its_probe_and_the_rest_once_it_is_mended() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for id in ["a", "b", "c"] {
        queue.enqueue(Note::job(id, "lane", id)).await.unwrap();
    }
    let probes = (now(), Duration::from_secs(3600));
    queue
        .break_lane(&Note::root(), &lane(), &fault(), probes)
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    let probe = worker.next().await;
    assert_eq!(probe.text, "a");
    queue
        .enqueue(Note::job("free", "other", "free"))
        .await
        .unwrap();
    let next = worker.next().await;
    assert_eq!(
        next.text, "free",
        "a second job of a broken lane was handed out"
    );
    let broken = queue.lane(&Note::root(), &lane()).await.unwrap().broken;
    assert_eq!(broken.unwrap().0, fault());
    queue.mend_lane(&Note::root(), &lane()).await.unwrap();
    let mended = queue.lane(&Note::root(), &lane()).await.unwrap();
    assert!(mended.broken.is_none() && mended.mended.is_some());
    for started in [probe, next, worker.next().await, worker.next().await] {
        started.tell(Script::Complete);
    }
    until_state(&queue, "c", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_probe_that_is_finished_mends_its_lane_and_one_that_fails_does_not() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    for id in ["a", "b", "c"] {
        queue.enqueue(Note::job(id, "lane", id)).await.unwrap();
    }
    let probes = (now(), Duration::from_millis(300));
    queue
        .break_lane(&Note::root(), &Note::root(), &fault(), probes)
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Snooze(now()));
    let second = worker.next().await;
    let broken = queue
        .lane(&Note::root(), &Note::root())
        .await
        .unwrap()
        .broken;
    assert!(broken.is_some(), "a failed probe mended its lane");
    second.tell(Script::Complete);
    for _ in 0..2 {
        worker.next().await.tell(Script::Complete);
    }
    let mended = queue.lane(&Note::root(), &Note::root()).await.unwrap();
    assert_eq!(mended.broken, None);
    assert!(
        mended.mended.is_some(),
        "it is not known when it was mended"
    );
    worker.stop().await;
}

#[tokio::test]
async fn two_thousand_shut_lanes_cost_a_fetch_nothing_once_they_have_been_seen() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue
        .pause_lane(&Note::root(), &Note::root(), "maintenance")
        .await
        .unwrap();
    let crowd = (0..2000).map(|n| Note::job(&format!("job-{n}"), &format!("lane-{n}"), "x"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    let worker = Steered::start(&redis, LONG);
    // All of them leave the rotation, so that the next fetch looks at none.
    for _ in 0..2000 {
        if redis.command("ZCARD {test/0}:lanes:note") == ":0\r\n" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(redis.command("ZCARD {test/0}:lanes:note"), ":0\r\n");
    worker.stop().await;
}

#[tokio::test]
async fn limits_set_while_running_are_shown_and_can_be_given_back() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let limits: LaneLimits = "2 7/1s".parse().unwrap();
    queue
        .limit_lane(&Note::root(), &lane(), Some(&limits))
        .await
        .unwrap();
    let shown = queue
        .lane(&Note::root(), &lane())
        .await
        .unwrap()
        .limits
        .unwrap();
    assert_eq!(shown.concurrency, Some(2));
    queue
        .limit_lane(&Note::root(), &lane(), None)
        .await
        .unwrap();
    assert_eq!(
        queue.lane(&Note::root(), &lane()).await.unwrap().limits,
        None
    );
}
