//! Jobs by state and queue, page by page, while others come and go.

use std::collections::BTreeMap;

use harness::{Note, RedisServer, Script, Steered};
use jiff::Timestamp;
use signalbox_core::JobId;
use signalbox_queue::{JobCursor, JobFilter, JobState, Queue};

use super::{LONG, until_state};

fn only(state: JobState) -> JobFilter<'static> {
    JobFilter {
        queue: Some("note"),
        state: Some(state),
    }
}

/// How often each job was listed, page by page, doing `between` after each page.
async fn listed(
    queue: &Queue,
    filter: &JobFilter<'_>,
    most: usize,
    mut between: impl AsyncFnMut(usize),
) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut after: Option<JobCursor> = None;
    for number in 0..1000 {
        let page = queue.list_jobs(filter, after.as_ref(), most).await.unwrap();
        assert!(page.jobs.len() <= most);
        for job in page.jobs {
            *seen.entry(job.id.to_string()).or_default() += 1;
        }
        let Some(next) = page.next else { return seen };
        // As a command line hands it on.
        after = Some(next.to_string().parse().unwrap());
        between(number).await;
    }
    panic!("the pages do not end");
}

fn assert_once(seen: &BTreeMap<String, usize>, prefix: &str, count: usize) {
    let old = seen.iter().filter(|(id, _)| id.starts_with(prefix));
    assert_eq!(old.count(), count, "some were not listed");
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test]
async fn twelve_hundred_ready_jobs_are_listed_once_each_while_others_are_added_and_taken() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let lane = |n: usize| format!("lane-{}", n % 7);
    let crowd = (0..1200).map(|n| Note::job(&format!("old-{n}"), &lane(n), "x"));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    let extra = (0..100).map(|n| Note::job(&format!("gone-{n}"), &lane(n), "x"));
    queue.enqueue_all(extra.collect()).await.unwrap();
    let seen = listed(&queue, &only(JobState::Ready), 50, async |number| {
        let added = Note::job(&format!("new-{number}"), &lane(number), "x");
        queue.enqueue(added).await.unwrap();
        let gone = JobId::new([format!("gone-{number}").as_str()]);
        queue.cancel_job(&gone, "").await.unwrap();
    })
    .await;
    assert_once(&seen, "old-", 1200);
}

#[tokio::test]
async fn twelve_hundred_jobs_due_at_one_instant_are_listed_once_each_though_the_last_one_seen_left()
{
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let due: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let crowd = (0..1200).map(|n| Note::job(&format!("old-{n}"), "lane", "x").due(due));
    queue.enqueue_all(crowd.collect()).await.unwrap();
    let mut after: Option<JobCursor> = None;
    let mut seen = BTreeMap::new();
    loop {
        let filter = only(JobState::Scheduled);
        let page = queue.list_jobs(&filter, after.as_ref(), 70).await.unwrap();
        if let Some(last) = page.jobs.last() {
            queue.cancel_job(&last.id, "").await.unwrap();
        }
        for job in page.jobs {
            *seen.entry(job.id.to_string()).or_default() += 1;
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_once(&seen, "old-", 1200);
}

#[tokio::test]
async fn jobs_of_a_shut_lane_are_listed_with_the_others() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let root = Note::root();
    queue.pause_lane(&root, &root, "maintenance").await.unwrap();
    for lane in ["a", "b", "c"] {
        queue.enqueue(Note::job(lane, lane, "x")).await.unwrap();
    }
    let worker = Steered::start(&redis, LONG);
    while redis.command("ZCARD {test/0}:waiting") != ":3\r\n" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let seen = listed(&queue, &only(JobState::Ready), 2, async |_| {}).await;
    assert_once(&seen, "", 3);
    worker.stop().await;
}

#[tokio::test]
async fn each_state_lists_its_own_jobs_and_all_together_list_every_one_once() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let mut worker = Steered::start(&redis, LONG);
    for (name, script) in [
        ("done", Some(Script::Complete)),
        ("dead", Some(Script::Fail)),
        ("running", None),
    ] {
        queue.enqueue(Note::job(name, "lane", name)).await.unwrap();
        let started = worker.next().await;
        if let Some(script) = script {
            started.tell(script);
        } else {
            // Dropped, it goes on as a handler that hangs.
            drop(started);
        }
        until_state(&queue, name, JobState::parse(name).unwrap()).await;
    }
    let due = "2100-01-01T00:00:00Z".parse().unwrap();
    let job = |name: &str| Note::job(name, "lane", name);
    let root = Note::root();
    queue.pause_lane(&root, &root, "maintenance").await.unwrap();
    queue.enqueue(job("scheduled").due(due)).await.unwrap();
    queue.enqueue(job("held").held_with("g")).await.unwrap();
    queue.enqueue(job("ready")).await.unwrap();
    queue.enqueue(job("cancelled")).await.unwrap();
    queue
        .cancel_job(&JobId::new(["cancelled"]), "")
        .await
        .unwrap();
    let all = [
        "cancelled",
        "dead",
        "done",
        "held",
        "ready",
        "running",
        "scheduled",
    ];
    for name in all {
        let state = JobState::parse(name).unwrap();
        let page = queue.list_jobs(&only(state), None, 10).await.unwrap();
        let names: Vec<&str> = page.jobs.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(names, [name]);
        assert_eq!((page.jobs[0].state, page.next), (state, None));
    }
    let seen = listed(&queue, &JobFilter::default(), 2, async |_| {}).await;
    assert_once(&seen, "", all.len());
    let strange = JobFilter {
        queue: Some("other"),
        state: None,
    };
    assert!(listed(&queue, &strange, 2, async |_| {}).await.is_empty());
    worker.vanish();
}
