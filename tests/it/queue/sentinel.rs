//! The queue behind Sentinel: a replica takes the master's place, and nothing that was acknowledged is lost.

use harness::{Note, Script, SentinelGroup, Steered, until};
use signalbox_queue::{Durability, JobState, Queue, QueueError};

use super::{LONG, until_state, until_taken};

/// Enqueues jobs called `name-0` and so on.
async fn enqueue(queue: &Queue, name: &str, count: usize) {
    for number in 0..count {
        let job = Note::job(&format!("{name}-{number}"), "lane", "x");
        until_taken(queue, job).await;
    }
}

async fn complete_all(worker: &mut Steered) {
    loop {
        worker.next().await.tell(Script::Complete);
    }
}

#[tokio::test]
async fn a_failover_loses_nothing_that_was_acknowledged() {
    let mut group = SentinelGroup::start(2);
    let (queue, _) = Queue::connect(group.options()).await.unwrap();
    let findings = queue.durability_findings(Durability::Replicated).await;
    assert_eq!(findings.unwrap(), []);
    queue.keep(Durability::Replicated).await.unwrap();
    let mut worker = Steered::on(group.options(), LONG, 8);
    let work = async {
        tokio::join!(
            enqueue(&queue, "a", 40),
            enqueue(&queue, "b", 40),
            enqueue(&queue, "c", 40),
            async {
                until_state(&queue, "a-10", JobState::Done).await;
                group.master().kill();
            },
        );
        for name in ["a", "b", "c"] {
            for number in 0..40 {
                until_state(&queue, &format!("{name}-{number}"), JobState::Done).await;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = complete_all(&mut worker) => {}
    }
    assert_eq!(group.replicas().count(), 1, "one took over, one follows it");
    worker.stop().await;
}

#[tokio::test]
async fn a_master_that_is_made_a_replica_is_left_for_the_one_that_took_its_place() {
    let mut group = SentinelGroup::start(2);
    let (queue, _) = Queue::connect(group.options()).await.unwrap();
    queue.keep(Durability::Replicated).await.unwrap();
    let mut worker = Steered::on(group.options(), LONG, 8);
    enqueue(&queue, "before", 2).await;
    let (one, other) = (worker.next().await, worker.next().await);
    let before = group.master().url();
    group.hand_over();
    // It answers READONLY, as whoever still writes to it finds out.
    until("the old master follows", async || {
        group.replicas().any(|server| server.url() == before)
    })
    .await
    .unwrap();
    one.tell(Script::Complete);
    other.tell(Script::Complete);
    enqueue(&queue, "after", 2).await;
    for _ in 0..2 {
        worker.next().await.tell(Script::Complete);
    }
    for id in ["before-0", "before-1", "after-0", "after-1"] {
        until_state(&queue, id, JobState::Done).await;
    }
    assert!(!worker.has_started(), "no job ran twice");
    worker.stop().await;
}

#[tokio::test]
async fn without_its_replica_nothing_is_acknowledged_until_it_is_back() {
    let mut group = SentinelGroup::start(1);
    let (queue, _) = Queue::connect(group.options()).await.unwrap();
    queue.keep(Durability::Replicated).await.unwrap();
    enqueue(&queue, "before", 1).await;
    group.replica().kill();
    let refused = queue.enqueue(Note::job("meanwhile", "lane", "x")).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, QueueError::Replicas(_)), "{refused:?}");
    assert!(refused.is_transient());
    let refused = queue.take_in(vec![Note::job("signal", "lane", "x")]).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, QueueError::Replicas(_)), "{refused:?}");
    group.replica().restart();
    enqueue(&queue, "after", 1).await;
    until_state(&queue, "after-0", JobState::Ready).await;
}

#[tokio::test]
async fn a_replica_that_keeps_less_is_found_out_and_a_lower_level_is_refused() {
    let mut group = SentinelGroup::start(1);
    let (queue, _) = Queue::connect(group.options()).await.unwrap();
    group.replica().command("CONFIG SET appendfsync everysec");
    group.master().command("CONFIG SET min-replicas-to-write 0");
    let findings = queue.durability_findings(Durability::Replicated).await;
    let findings: Vec<String> = findings.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(
        findings[0].contains("min-replicas-to-write 1"),
        "{findings:?}"
    );
    assert!(findings[1].contains("appendfsync always"), "{findings:?}");
    let refused = queue.keep(Durability::Fsync).await.unwrap_err().to_string();
    assert!(refused.contains("redis.durability"), "{refused}");
}
