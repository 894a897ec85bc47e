//! The witness is told of every attempt that ends without a word of its handler, and of no other.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Steered};
use signalbox_core::{JobId, LaneChain, LaneName, Payload};
use signalbox_queue::{
    JobState, NewJob, Unspoken, Witness,
    protocol::{self, Verb},
};
use tokio::sync::mpsc;

use super::{LONG, SHORT, outcomes::Odd, until_state};

/// A worker whose handlers get `timeout`, and what its witness is told.
fn witnessed(
    redis: &RedisServer,
    timeout: Duration,
) -> (Steered, mpsc::UnboundedReceiver<Unspoken>) {
    let (tx, told) = mpsc::unbounded_channel();
    let mut options = Steered::options(LONG);
    options.timeout = timeout;
    // When the test is over, nobody listens any more.
    options.engine.witness = Witness::new(move |unspoken| drop(tx.send(unspoken)));
    (Steered::with_options(redis.options(None), options), told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<Unspoken>) -> Unspoken {
    let next = tokio::time::timeout(Duration::from_secs(30), told.recv());
    next.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_panic_is_witnessed_with_what_becomes_of_the_job_and_a_spoken_failure_is_not() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let (mut worker, mut told) = witnessed(&redis, LONG);
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    worker.next().await.tell(Script::Retry);
    worker.next().await.tell(Script::Panic);
    let first = next(&mut told).await;
    assert!(matches!(first.verb, Verb::Retry(_)), "{first:?}");
    assert_eq!((first.id.as_str(), first.queue.as_str()), ("a", "note"));
    assert_eq!(first.payload.as_deref(), Some(r#"{"text":"x"}"#));
    worker.next().await.tell(Script::Panic);
    let last = next(&mut told).await;
    assert_eq!(last.verb, Verb::Dead);
    let dead = until_state(&queue, "a", JobState::Dead).await;
    assert_eq!(last.reason, dead.reason);
    worker.stop().await;
    assert!(told.recv().await.is_none());
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_witnessed() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let (mut worker, mut told) = witnessed(&redis, Duration::from_millis(50));
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    let hanging = worker.next().await;
    let seen = next(&mut told).await;
    assert!(matches!(seen.verb, Verb::Retry(_)), "{seen:?}");
    assert!(!seen.reason.is_empty());
    assert!(!hanging.tell(Script::Complete), "the handler went on");
    worker.stop().await;
}

#[tokio::test]
async fn a_payload_that_no_handler_could_be_given_is_witnessed() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let (worker, mut told) = witnessed(&redis, LONG);
    let lanes = LaneChain::root(Note::root()).below(LaneName::new(["lane"]));
    let odd = NewJob::new(JobId::new(["a"]), lanes, Odd { number: 1 }, None);
    queue.enqueue(odd.unwrap()).await.unwrap();
    let seen = next(&mut told).await;
    assert_eq!(seen.verb, Verb::Dead);
    assert_eq!(seen.payload.as_deref(), Some(r#"{"number":1}"#));
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_is_dead_because_its_workers_died_is_witnessed_by_the_fetch_that_finds_it() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue.enqueue(Note::job("a", "lane", "x")).await.unwrap();
    // Twice in company and three times alone it is leased by somebody who is never heard of again.
    for deaths in 0..5 {
        let leased = loop {
            let leased = protocol::fetch_alone(&queue, &Note::QUEUE, SHORT).await;
            if let Some(leased) = leased.unwrap() {
                break leased;
            }
            tokio::time::sleep(SHORT / 10).await;
        };
        assert_eq!(leased.deaths, deaths);
    }
    let (worker, mut told) = witnessed(&redis, LONG);
    let seen = next(&mut told).await;
    assert_eq!(seen.verb, Verb::Dead);
    assert!(seen.reason.contains("worker died"), "{}", seen.reason);
    assert_eq!(seen.payload.as_deref(), Some(r#"{"text":"x"}"#));
    assert_eq!(
        until_state(&queue, "a", JobState::Dead).await.reason,
        seen.reason
    );
    worker.stop().await;
}
