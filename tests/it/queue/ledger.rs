//! The ledger: an effect is declared before it is done and is never declared fresh again unseen.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Started, Steered};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::EffectKey;
use signalbox_queue::{EffectState, Enqueued, Intent, Queue, Retention};

use super::{LONG, SHORT};

fn effect() -> EffectKey {
    EffectKey::from_stored("post/r/s/d/Open")
}

async fn running(redis: &RedisServer) -> (Queue, Steered, Started) {
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut worker = Steered::start(redis, LONG);
    let started = worker.next().await;
    (queue, worker, started)
}

#[tokio::test]
async fn an_effect_goes_from_fresh_to_confirmed_and_keeps_its_receipt() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let intent = queue.intend(&job.lease, &effect(), None).await.unwrap();
    assert_eq!(intent, Intent::Fresh);
    assert!(
        queue
            .confirm(&job.lease, &effect(), "message 7")
            .await
            .unwrap()
    );
    assert!(
        !queue
            .confirm(&job.lease, &effect(), "message 8")
            .await
            .unwrap()
    );
    let found = queue.intend(&job.lease, &effect(), None).await.unwrap();
    let receipt = "message 7".to_owned();
    assert_eq!(found, Intent::Confirmed { receipt });
}

#[tokio::test]
async fn a_withdrawn_intent_leaves_no_trace_and_only_its_owner_can_withdraw_it() {
    let redis = RedisServer::start();
    let (queue, mut worker, job) = running(&redis).await;
    queue.enqueue(Note::job("b", "lane", "y")).await.unwrap();
    let other = worker.next().await;
    queue.intend(&job.lease, &effect(), None).await.unwrap();
    assert!(!queue.withdraw(&other.lease, &effect()).await.unwrap());
    assert!(queue.withdraw(&job.lease, &effect()).await.unwrap());
    let states = queue
        .effect_states(&Note::root(), &[effect()])
        .await
        .unwrap();
    assert_eq!(states, [EffectState::Fresh]);
}

#[tokio::test]
async fn anothers_intent_is_in_flight_while_its_lease_lives() {
    let redis = RedisServer::start();
    let (queue, mut worker, job) = running(&redis).await;
    queue.enqueue(Note::job("b", "lane", "y")).await.unwrap();
    let other = worker.next().await;
    queue.intend(&job.lease, &effect(), None).await.unwrap();
    let found = queue.intend(&other.lease, &effect(), None).await.unwrap();
    assert!(matches!(found, Intent::InFlight { .. }), "{found:?}");
}

#[tokio::test]
async fn the_intent_of_a_dead_attempt_is_unknown_until_somebody_looked_into_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let mut dying = Steered::start(&redis, SHORT);
    let lost = dying.next().await;
    queue.intend(&lost.lease, &effect(), None).await.unwrap();
    dying.vanish();
    let mut other = Steered::start(&redis, LONG);
    let again = other.next().await;
    let found = queue.intend(&again.lease, &effect(), None).await.unwrap();
    let Intent::Unknown { token, .. } = found else {
        panic!("the intent of a dead attempt is {found:?}");
    };
    assert_eq!(token, lost.lease.token);
    let taken = queue
        .intend(&again.lease, &effect(), Some(&token))
        .await
        .unwrap();
    assert_eq!(taken, Intent::Fresh);
    again.tell(Script::Complete);
    other.stop().await;
}

#[tokio::test]
async fn baseline_effects_are_never_announced_and_keep_their_jobs_from_being_stored() {
    let redis = RedisServer::start();
    let (queue, _worker, job) = running(&redis).await;
    let twice = [effect(), effect()];
    assert_eq!(queue.baseline(&Note::root(), &twice).await.unwrap(), 1);
    let found = queue.intend(&job.lease, &effect(), None).await.unwrap();
    assert_eq!(found, Intent::Baseline);
    let post = Note::job("post", "lane", "x").unless_known(effect());
    let outcome = queue.enqueue(post).await.unwrap();
    assert_eq!(outcome, Enqueued::Known { baseline: true });
}

#[tokio::test]
async fn a_group_marked_as_seen_is_known_afterwards() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let held = Note::job("post", "lane", "x")
        .unless_known(effect())
        .held_with("flood/r");
    queue.enqueue(held).await.unwrap();
    assert_eq!(queue.mark_group_as_seen("flood/r").await.unwrap(), 1);
    let states = queue
        .effect_states(&Note::root(), &[effect()])
        .await
        .unwrap();
    assert_eq!(states, [EffectState::Baseline]);
}

#[tokio::test]
async fn the_ledger_is_trimmed_by_age_only() {
    const DAY: Duration = Duration::from_secs(86_400);
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    queue
        .at(start)
        .baseline(&Note::root(), &[effect()])
        .await
        .unwrap();
    let retention = Retention {
        finished: DAY * 7,
        records: DAY * 2,
        effects: DAY * 400,
        dead: DAY * 90,
        finished_most: 1000,
        records_most: 1000,
        records_bytes: 1 << 30,
        dead_most: 1000,
        dead_bytes: 1 << 30,
    };
    let removed = async |days: i64| {
        let now = start + SignedDuration::from_hours(24 * days);
        queue.trim(now, &retention, &[]).await.unwrap().effects
    };
    assert_eq!((removed(399).await, removed(401).await), (0, 1));
}
