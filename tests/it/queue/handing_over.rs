//! Room that goes from a job to the next one, in the script that ends the first.

use std::time::Duration;

use harness::{Note, RedisServer, Script, Steered};
use signalbox_core::{JobId, LaneChain, LaneName, Payload};
use signalbox_queue::{JobState, NewJob, Queue, protocol};

use super::{LONG, SHORT, until_state, view};

/// Who is told of a suspect has it for so long to itself.
const BRIEF: Duration = Duration::from_millis(5);

async fn enqueue(queue: &Queue, name: &str, count: usize) {
    let jobs = (0..count).map(|number| Note::job(&format!("{name}-{number}"), "lane", name));
    queue.enqueue_all(jobs.collect()).await.unwrap();
}

fn scripts_called(redis: &RedisServer) -> usize {
    let stats = redis.command("INFO commandstats");
    let called = stats.split("cmdstat_evalsha:calls=").nth(1);
    let count = called.and_then(|rest| rest.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

/// Completes attempts until one says `text`; returns how many others there were.
async fn completed_before(worker: &mut Steered, text: &str) -> usize {
    let mut others = 0;
    loop {
        let started = worker.next().await;
        let found = started.text == text;
        started.tell(Script::Complete);
        if found {
            return others;
        }
        others += 1;
    }
}

#[tokio::test]
async fn while_jobs_wait_one_script_ends_a_job_and_leases_the_next() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    enqueue(&queue, "job", 50).await;
    let mut worker = Steered::with_concurrency(&redis, LONG, 1);
    worker.next().await.tell(Script::Complete);
    redis.command("CONFIG RESETSTAT");
    for _ in 1..50 {
        worker.next().await.tell(Script::Complete);
    }
    let scripts = scripts_called(&redis);
    assert!(scripts < 75, "{scripts} scripts for 49 jobs");
    for number in 0..50 {
        let done = until_state(&queue, &format!("job-{number}"), JobState::Done).await;
        assert_eq!((done.attempt, done.deaths), (1, 0));
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_suspect_need_not_wait_until_the_others_are_done() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue
        .enqueue(Note::job("suspect", "lane", "suspect"))
        .await
        .unwrap();
    for _ in 0..2 {
        let mut dying = Steered::start(&redis, SHORT);
        let _lost = dying.next().await;
        dying.vanish();
    }
    // Whoever looks sets it apart once its lease has run out.
    while view(&queue, "suspect").await.deaths < 2 {
        let none = protocol::fetch(&queue, &Note::QUEUE, BRIEF, 1)
            .await
            .unwrap();
        assert!(none.is_empty(), "a suspect ran in company: {none:?}");
    }
    enqueue(&queue, "other", 300).await;
    let mut worker = Steered::with_concurrency(&redis, SHORT, 4);
    let others = completed_before(&mut worker, "suspect").await;
    assert!(others < 300, "the suspect came last");
    worker.stop().await;
}

#[tokio::test]
async fn a_partition_with_a_backlog_does_not_keep_the_room_from_the_others() {
    let redis = RedisServer::start();
    let options = signalbox_queue::QueueOptions {
        partitions: 4,
        ..redis.options(None)
    };
    let (queue, _) = Queue::connect(options.clone()).await.unwrap();
    let job = |root: &str, number: usize| {
        let lanes = LaneChain::root(LaneName::new([root]));
        let note = Note {
            text: root.to_owned(),
        };
        NewJob::new(
            JobId::new([format!("{root}-{number}").as_str()]),
            lanes,
            note,
            None,
        )
        .unwrap()
    };
    let backlog = (0..300).map(|number| job("busy", number));
    queue.enqueue_all(backlog.collect()).await.unwrap();
    // Some of so many roots are in other partitions, whatever their names hash to.
    let roots: Vec<String> = (0..12).map(|root| format!("root-{root}")).collect();
    queue
        .enqueue_all(roots.iter().map(|root| job(root, 0)).collect())
        .await
        .unwrap();
    let mut worker = Steered::on(options, LONG, 1);
    let (mut busy, mut single) = (0, 0);
    while single < roots.len() {
        let started = worker.next().await;
        *if started.text == "busy" {
            &mut busy
        } else {
            &mut single
        } += 1;
        started.tell(Script::Complete);
    }
    assert!(busy < 300, "the others came last");
    worker.stop().await;
}
