//! The protocol step by step under a clock of the test's own: what no running worker would show reliably.

use std::time::Duration;

use harness::{Note, RedisServer};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{JobId, LaneName, Payload};
use signalbox_queue::{
    JobState, LaneFault, Operated, Queue,
    protocol::{self, Leased, Verb},
};

use super::view;

const LEASE: Duration = Duration::from_secs(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

async fn fetch(queue: &Queue, most: usize) -> Vec<Leased> {
    let fetched = protocol::fetch(queue, &Note::QUEUE, LEASE, most).await;
    fetched.unwrap()
}

async fn complete(queue: &Queue, leased: &Leased) {
    let settled = protocol::settle(queue, &leased.lease, Verb::Complete, "").await;
    assert!(settled.unwrap());
}

async fn break_root(queue: &Queue, first_probe: i64) {
    let fault = LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "set a new one".to_owned(),
    };
    let probes = (at(first_probe), Duration::from_secs(3600));
    let root = Note::root();
    let broken = queue.break_lane(&root, &root, &fault, probes).await;
    broken.unwrap();
}

#[tokio::test]
async fn however_many_lanes_a_pause_shut_none_is_left_behind_when_it_ends() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    let root = Note::root();
    queue.pause_lane(&root, &root, "maintenance").await.unwrap();
    let crowd = (0..1500).map(|n| Note::job(&format!("job-{n}"), &format!("lane-{n}"), "x"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    assert!(fetch(&queue, 500).await.is_empty());
    queue.resume_lane(&root, &root).await.unwrap();
    let mut leased = 0;
    for _ in 0..3 {
        leased += fetch(&queue, 500).await.len();
    }
    assert_eq!(leased, 1500);
}

#[tokio::test]
async fn a_lane_that_is_filled_again_and_again_goes_behind_those_that_wait() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    queue.enqueue(Note::job("first", "a", "a")).await.unwrap();
    queue.enqueue(Note::job("waits", "z", "z")).await.unwrap();
    let mut served = Vec::new();
    for round in 0..3 {
        let leased = fetch(&queue, 1).await.remove(0);
        served.push(leased.lane.as_str().to_owned());
        complete(&queue, &leased).await;
        let again = format!("again-{round}");
        queue.enqueue(Note::job(&again, "a", "a")).await.unwrap();
    }
    assert!(served.contains(&"z".to_owned()), "{served:?}");
}

#[tokio::test]
async fn a_probe_that_was_lost_with_its_worker_mends_nothing_later() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let root = Note::root();
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    break_root(&queue.at(at(0)), 0).await;
    assert_eq!(fetch(&queue.at(at(0)), 1).await.len(), 1);
    // Others fetch meanwhile, so that the lease ends without a period of grace.
    for second in [5, 9, 11] {
        assert!(fetch(&queue.at(at(second)), 1).await.is_empty());
    }
    queue.mend_lane(&root, &root).await.unwrap();
    let ordinary = fetch(&queue.at(at(12)), 1).await.remove(0);
    break_root(&queue.at(at(13)), 1000).await;
    complete(&queue.at(at(14)), &ordinary).await;
    let lane = queue.lane(&root, &root).await.unwrap();
    assert!(
        lane.broken.is_some(),
        "a job that was no probe mended the lane"
    );
}

#[tokio::test]
async fn a_probe_takes_its_place_in_a_fetch_that_other_lanes_would_fill() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    for lane in ["probed", "second", "third"] {
        let jobs = ["1", "2"].map(|n| Note::job(&format!("{lane}-{n}"), lane, "x"));
        queue.enqueue_all(jobs.into()).await.unwrap();
    }
    let fault = LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "set a new one".to_owned(),
    };
    let probes = (at(0), Duration::from_secs(3600));
    let (root, lane) = (Note::root(), LaneName::new(["probed"]));
    let broken = queue.break_lane(&root, &lane, &fault, probes);
    broken.await.unwrap();
    // One by the probe; the other two lanes would give two each.
    assert_eq!(fetch(&queue, 4).await.len(), 4);
    assert_eq!(fetch(&queue, 4).await.len(), 1);
}

#[tokio::test]
async fn a_probe_that_is_set_earlier_is_not_slept_through() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    break_root(&queue.at(at(0)), 1000).await;
    assert!(fetch(&queue.at(at(0)), 1).await.is_empty());
    break_root(&queue.at(at(1)), 5).await;
    assert_eq!(fetch(&queue.at(at(5)), 1).await.len(), 1);
}

#[tokio::test]
async fn after_a_gap_every_lease_gets_a_full_period_however_many_there_are() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let many = (0..6000).map(|n| Note::job(&format!("job-{n}"), "lane", "x"));
    queue.at(at(0)).enqueue_all(many.collect()).await.unwrap();
    for _ in 0..12 {
        assert_eq!(fetch(&queue.at(at(0)), 500).await.len(), 500);
    }
    assert!(fetch(&queue.at(at(60)), 500).await.is_empty());
    assert!(fetch(&queue.at(at(69)), 500).await.is_empty());
    assert_eq!(fetch(&queue.at(at(71)), 200).await.len(), 200);
}

#[tokio::test]
async fn a_worker_that_only_renews_does_not_keep_a_dead_workers_job_back() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let jobs = ["dead", "busy"].map(|id| Note::job(id, "lane", "x"));
    queue.at(at(0)).enqueue_all(jobs.into()).await.unwrap();
    let leased = fetch(&queue.at(at(0)), 2).await;
    let busy = leased.iter().find(|job| job.lease.id.as_str() == "busy");
    for second in [5, 9, 13] {
        let lease = &busy.unwrap().lease;
        let renewed = protocol::renew(&queue.at(at(second)), lease, LEASE).await;
        assert!(renewed.unwrap());
    }
    assert_eq!(fetch(&queue.at(at(14)), 2).await.len(), 1);
}

#[tokio::test]
async fn a_dead_workers_job_is_kept_back_once_however_seldom_others_fetch() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let job = Note::job("dead", "lane", "x");
    queue.at(at(0)).enqueue(job).await.unwrap();
    assert_eq!(fetch(&queue.at(at(0)), 1).await.len(), 1);
    assert!(fetch(&queue.at(at(60)), 1).await.is_empty());
    assert_eq!(fetch(&queue.at(at(120)), 1).await.len(), 1);
}

#[tokio::test]
async fn a_renewal_after_a_gap_leaves_the_other_leases_their_full_period() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let jobs = ["first", "second"].map(|id| Note::job(id, "lane", "x"));
    queue.at(at(0)).enqueue_all(jobs.into()).await.unwrap();
    let leased = fetch(&queue.at(at(0)), 2).await;
    let renewed = protocol::renew(&queue.at(at(60)), &leased[0].lease, LEASE).await;
    assert!(renewed.unwrap());
    assert!(fetch(&queue.at(at(61)), 2).await.is_empty());
    complete(&queue.at(at(62)), &leased[1]).await;
}

/// A queue whose job `poison` lost two workers, the last one at the second that is returned.
async fn with_a_suspect(redis: &RedisServer) -> (Queue, i64) {
    let queue = redis.queue().await;
    let poison = Note::job("poison", "lane", "poison");
    queue.at(at(0)).enqueue(poison).await.unwrap();
    assert_eq!(fetch(&queue.at(at(0)), 1).await.len(), 1);
    assert!(fetch(&queue.at(at(9)), 1).await.is_empty());
    assert_eq!(fetch(&queue.at(at(11)), 1).await.len(), 1);
    assert!(fetch(&queue.at(at(20)), 1).await.is_empty());
    (queue, 22)
}

#[tokio::test]
async fn a_job_that_lost_two_workers_is_handed_out_only_to_one_that_is_alone() {
    let redis = RedisServer::start();
    let (queue, second) = with_a_suspect(&redis).await;
    let queue = queue.at(at(second));
    let other = Note::job("other", "lane", "x");
    queue.enqueue(other).await.unwrap();
    let in_company = fetch(&queue, 8).await;
    assert_eq!(in_company.len(), 1);
    assert_eq!(in_company[0].lease.id.as_str(), "other");
    let alone = protocol::fetch_alone(&queue, &Note::QUEUE, LEASE).await;
    assert_eq!(alone.unwrap().unwrap().deaths, 2);
}

#[tokio::test]
async fn a_death_in_company_kills_no_job_and_three_deaths_alone_do() {
    let redis = RedisServer::start();
    let (queue, mut second) = with_a_suspect(&redis).await;
    for deaths in 2..5 {
        assert!(fetch(&queue.at(at(second)), 1).await.is_empty());
        let waits = view(&queue, "poison").await;
        assert_eq!((waits.state, waits.deaths), (JobState::Ready, deaths));
        let now = queue.at(at(second));
        let alone = protocol::fetch_alone(&now, &Note::QUEUE, LEASE).await;
        assert!(alone.unwrap().is_some());
        assert!(fetch(&queue.at(at(second + 9)), 1).await.is_empty());
        second += 11;
    }
    assert!(fetch(&queue.at(at(second)), 1).await.is_empty());
    let dead = view(&queue, "poison").await;
    assert_eq!((dead.state, dead.deaths), (JobState::Dead, 5));
    assert!(dead.reason.contains("alone"), "{}", dead.reason);
}

#[tokio::test]
async fn a_suspect_that_a_person_cancels_is_handed_out_to_nobody() {
    let redis = RedisServer::start();
    let (queue, second) = with_a_suspect(&redis).await;
    let queue = queue.at(at(second));
    assert!(fetch(&queue, 1).await.is_empty());
    let cancelled = queue.cancel_job(&JobId::new(["poison"]), "poison").await;
    assert_eq!(cancelled.unwrap(), Operated::Moved(JobState::Ready));
    let alone = protocol::fetch_alone(&queue, &Note::QUEUE, LEASE).await;
    assert!(alone.unwrap().is_none());
}

#[tokio::test]
async fn equal_ids_in_one_batch_keep_the_earlier_due_time() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    let soon = at(0) + SignedDuration::from_secs(60);
    let job = |changed: i64, due| Note::job("a", "lane", "x").keep_last(at(changed)).due(due);
    let batch = vec![job(2, at(9000)), job(1, soon), job(3, at(8000))];
    queue.enqueue_all(batch).await.unwrap();
    let job = view(&queue, "a").await;
    assert_eq!((job.state, job.due), (JobState::Scheduled, Some(soon)));
}

#[tokio::test]
async fn a_job_that_ran_early_is_not_kept_back_by_the_instant_it_once_waited_for() {
    let redis = RedisServer::start();
    let queue = redis.queue().await.at(at(0));
    let lane = LaneName::new(["lane"]);
    let later = Note::job("a", lane.as_str(), "x").keep_last(at(1));
    queue.enqueue(later.due(at(9000))).await.unwrap();
    let now = Note::job("a", lane.as_str(), "x").keep_last(at(2));
    queue.enqueue(now).await.unwrap();
    let job = view(&queue, "a").await;
    assert_eq!((job.state, job.due), (JobState::Ready, None));
}
