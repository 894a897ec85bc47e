//! The queue in a cluster: partitions live on several masters, move between them, and survive one of them.

use std::num::NonZeroU32;

use harness::{ClusterGroup, Note, Script, Steered, until};
use signalbox_core::{JobId, LaneChain, LaneName};
use signalbox_queue::{Durability, JobState, NewJob, Queue};

use super::{LONG, until_taken};

const PARTITIONS: u16 = 6;
const ROOTS: usize = 24;

fn root(number: usize) -> LaneName {
    LaneName::new([format!("tenant-{number}").as_str()])
}

fn job(number: usize, round: &str) -> NewJob {
    let note = Note {
        text: round.to_owned(),
    };
    let id = JobId::new([format!("{round}-{number}").as_str()]);
    NewJob::new(id, LaneChain::root(root(number)), note, None).unwrap()
}

/// Enqueues one job under every root, as often as it takes.
async fn enqueue(queue: &Queue, round: &str) {
    for number in 0..ROOTS {
        until_taken(queue, job(number, round)).await;
    }
}

async fn until_done(queue: &Queue, round: &str) {
    for number in 0..ROOTS {
        let id = JobId::new([format!("{round}-{number}").as_str()]);
        let done = async || {
            let job = queue.job(&root(number), &id).await.ok().flatten();
            job.is_some_and(|job| job.state == JobState::Done)
        };
        until("every job is done", done).await.unwrap();
    }
}

async fn complete_all(worker: &mut Steered) {
    loop {
        worker.next().await.tell(Script::Complete);
    }
}

async fn connect(group: &ClusterGroup) -> Queue {
    let (queue, _) = Queue::connect(group.options(PARTITIONS)).await.unwrap();
    let findings = queue.durability_findings(Durability::Replicated).await;
    assert_eq!(findings.unwrap(), []);
    queue.keep(Durability::Replicated).await.unwrap();
    queue
}

#[tokio::test]
async fn a_partition_that_moves_while_jobs_run_loses_and_doubles_nothing() {
    let group = ClusterGroup::start(2);
    let queue = connect(&group).await;
    let mut worker = Steered::on(group.options(PARTITIONS), LONG, 8);
    // Some of these run, the others wait, while the slot of partition 0 moves.
    enqueue(&queue, "before").await;
    let (slot, from) = group.home_of("{test/0}:");
    let to = 1 - from;
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(worker.next().await);
    }
    group.begin_move(slot, from, to);
    assert!(group.move_keys(slot, from, to, 3) > 0);
    // Half of the partition is here and half there: no script may touch either.
    let refused = tokio::join!(enqueue(&queue, "meanwhile"), async {
        for attempt in running {
            attempt.tell(Script::Complete);
        }
        while group.move_keys(slot, from, to, 3) > 0 {
            tokio::task::yield_now().await;
        }
        group.end_move(slot, to);
    });
    assert_eq!(refused, ((), ()));
    group.masters().for_each(|master| {
        master.command("SCRIPT FLUSH");
    });
    let work = async {
        enqueue(&queue, "after").await;
        for round in ["before", "meanwhile", "after"] {
            until_done(&queue, round).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = complete_all(&mut worker) => {}
    }
    assert!(!worker.has_started(), "no job ran twice");
    let depth = queue.depth().await.unwrap();
    assert!(depth.values().all(|count| *count == 0), "{depth:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_master_that_dies_takes_nothing_that_was_acknowledged_with_it() {
    let mut group = ClusterGroup::start(3);
    let queue = connect(&group).await;
    let mut worker = Steered::on(group.options(PARTITIONS), LONG, 8);
    let work = async {
        enqueue(&queue, "before").await;
        until_done(&queue, "before").await;
        enqueue(&queue, "at").await;
        let (_, victim) = group.home_of("{test/0}:");
        group.fail_over(victim);
        enqueue(&queue, "after").await;
        until_done(&queue, "at").await;
        until_done(&queue, "after").await;
    };
    tokio::select! {
        () = work => {}
        () = complete_all(&mut worker) => {}
    }
    worker.stop().await;
}

#[tokio::test]
async fn shut_lanes_are_listed_whichever_master_has_them() {
    let group = ClusterGroup::start(2);
    let queue = connect(&group).await;
    for number in 0..ROOTS {
        let root = root(number);
        queue.pause_lane(&root, &root, "migration").await.unwrap();
    }
    let lanes = queue.lanes().await.unwrap();
    assert_eq!(lanes.len(), ROOTS);
    assert!(lanes.iter().all(|(_, view)| view.paused.is_some()));
    let newest = queue.changed_lanes(NonZeroU32::new(1)).await.unwrap();
    assert!((1..=usize::from(PARTITIONS)).contains(&newest.len()));
}
