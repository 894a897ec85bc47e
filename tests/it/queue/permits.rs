//! Permits: no request leaves over a limit, whoever asks, and none is lost with a worker.

use harness::{Note, RedisServer, Script, Started, Steered};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{LaneLimits, LaneName};
use signalbox_queue::{Permission, Queue};

use super::{LONG, SHORT};

/// The instant at which the tests of windows begin.
fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn lanes(limits: &str) -> Vec<(LaneName, LaneLimits)> {
    vec![
        (LaneName::new(["lane"]), limits.parse().unwrap()),
        (Note::root(), LaneLimits::none()),
    ]
}

async fn running(redis: &RedisServer) -> (Queue, Steered, Started) {
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(redis, LONG);
    let started = worker.next().await;
    (queue, worker, started)
}

/// The instant to wait for, or `None` if the permit was granted.
async fn ask(queue: &Queue, job: &Started, limits: &str, weight: u64) -> Option<Timestamp> {
    let permission = queue
        .permit(&job.lease, &lanes(limits), weight)
        .await
        .unwrap();
    match permission {
        Permission::Granted(_) => None,
        Permission::Wait { until, .. } => Some(until),
    }
}

#[tokio::test]
async fn a_window_is_never_overrun_and_names_the_instant_at_which_it_has_room() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let mut sent: Vec<Timestamp> = Vec::new();
    let mut now = start();
    while sent.len() < 60 {
        match ask(&queue.at(now), &job, "7/1s 20/5s", 1).await {
            None => sent.push(now),
            Some(until) => {
                assert!(until > now, "an instant that has passed was named");
                now = until;
            }
        }
    }
    for (amount, span) in [(7, 1000), (20, 5000)] {
        for pair in sent.windows(amount + 1) {
            let apart = pair[amount].duration_since(pair[0]);
            assert!(
                apart > SignedDuration::from_millis(span),
                "{amount} in {span} ms is overrun: {apart}"
            );
        }
    }
    // A limit that is kept by hardly sending anything would be kept as well.
    let took = now.duration_since(start());
    assert!(
        took < SignedDuration::from_secs(20),
        "60 requests at 20/5s took {took}"
    );
}

#[tokio::test]
async fn a_weight_counts_as_often_as_it_weighs() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let queue = queue.at(start());
    assert_eq!(ask(&queue, &job, "100/1h", 60).await, None);
    assert!(ask(&queue, &job, "100/1h", 60).await.is_some());
    assert_eq!(ask(&queue, &job, "100/1h", 40).await, None);
}

#[tokio::test]
async fn an_ancestors_limit_holds_for_all_lanes_below_it_and_a_refusal_uses_nothing_up() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let queue = queue.at(start());
    let under_root = |lane: &str| {
        let root: LaneLimits = "2/1s".parse().unwrap();
        let lane_limits: LaneLimits = "5/1s".parse().unwrap();
        vec![(LaneName::new([lane]), lane_limits), (Note::root(), root)]
    };
    for lane in ["x", "y"] {
        let granted = queue
            .permit(&job.lease, &under_root(lane), 1)
            .await
            .unwrap();
        assert!(matches!(granted, Permission::Granted(_)));
    }
    for _ in 0..5 {
        let refused = queue.permit(&job.lease, &under_root("z"), 1).await.unwrap();
        let Permission::Wait { lane, .. } = refused else {
            panic!("the root's limit was overrun");
        };
        assert_eq!(lane, Note::root());
    }
    let alone = vec![(LaneName::new(["z"]), "5/1s".parse().unwrap())];
    for _ in 0..5 {
        let granted = queue.permit(&job.lease, &alone, 1).await.unwrap();
        assert!(
            matches!(granted, Permission::Granted(_)),
            "a refusal used up the lane's window"
        );
    }
}

#[tokio::test]
async fn concurrency_is_given_back_with_the_permit() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let mut permits = Vec::new();
    for _ in 0..2 {
        match queue.permit(&job.lease, &lanes("2"), 1).await.unwrap() {
            Permission::Granted(permit) => permits.push(permit),
            Permission::Wait { why, .. } => panic!("refused: {why}"),
        }
    }
    assert!(ask(&queue, &job, "2", 1).await.is_some());
    queue.give_back(permits.remove(0)).await.unwrap();
    assert_eq!(ask(&queue, &job, "2", 1).await, None);
}

#[tokio::test]
async fn the_permit_of_a_dead_worker_comes_back_with_its_lease() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut dying = Steered::start(&redis, SHORT);
    let lost = dying.next().await;
    assert_eq!(ask(&queue, &lost, "1", 1).await, None);
    dying.vanish();
    let mut other = Steered::start(&redis, LONG);
    let again = other.next().await;
    assert_eq!(ask(&queue, &again, "1", 1).await, None);
    again.tell(Script::Complete);
    other.stop().await;
}

#[tokio::test]
async fn no_request_leaves_through_a_closed_gate_or_under_a_lost_lease() {
    let redis = RedisServer::start();
    let (queue, worker, job) = running(&redis).await;
    let until = start() + SignedDuration::from_secs(5);
    queue
        .close_lane(&Note::root(), &Note::root(), until, "429")
        .await
        .unwrap();
    assert_eq!(ask(&queue.at(start()), &job, "", 1).await, Some(until));
    assert_eq!(ask(&queue.at(until), &job, "", 1).await, None);
    worker.stop().await;
    let refused = queue.permit(&job.lease, &lanes(""), 1).await;
    assert!(refused.is_err(), "a lost lease was granted {refused:?}");
}

#[tokio::test]
async fn limits_set_while_running_hold_for_the_next_request() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let queue = queue.at(start());
    let lane = LaneName::new(["lane"]);
    queue
        .limit_lane(&Note::root(), &lane, Some(&"1/1s".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(ask(&queue, &job, "100/1s", 1).await, None);
    assert!(ask(&queue, &job, "100/1s", 1).await.is_some());
}
