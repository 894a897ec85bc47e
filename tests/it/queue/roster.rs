//! Who works, and how much was done of late: what people look at while it goes on.

use std::{num::NonZeroU32, time::Duration};

use harness::{Note, RedisServer};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::Payload;
use signalbox_queue::{
    Pulse, Queue, Roll,
    protocol::{self, Verb},
};

use super::{LONG, memory::retention};

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

fn noon(after: Duration) -> Timestamp {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    noon + SignedDuration::try_from(after).unwrap()
}

fn roll(name: &str) -> Roll {
    Roll {
        name: name.to_owned(),
        ..Roll::default()
    }
}

async fn names(queue: &Queue) -> Vec<String> {
    let workers = queue.workers().await.unwrap();
    workers.into_iter().map(|worker| worker.roll.name).collect()
}

#[tokio::test]
async fn what_was_done_in_the_last_minutes_is_told_by_queue_with_how_long_it_took() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let early = queue.at(noon(Duration::from_secs(30)));
    let jobs = ["a", "b", "c", "d"].map(|id| Note::job(id, "lane", ""));
    early.enqueue_all(jobs.to_vec()).await.unwrap();
    let leased = protocol::fetch(&early, &Note::QUEUE, LONG, 4)
        .await
        .unwrap();
    let soon = queue.at(noon(Duration::from_millis(30_010)));
    for (index, one) in leased.iter().enumerate() {
        let verb = if index == 0 {
            Verb::Dead
        } else {
            Verb::Complete
        };
        assert!(protocol::settle(&soon, &one.lease, verb, "").await.unwrap());
    }
    let looking = queue.at(noon(Duration::from_secs(75)));
    let recent = looking.recent(TWO).await.unwrap();
    assert_eq!(recent.now, noon(Duration::from_secs(75)));
    assert_eq!(recent.span, Duration::from_secs(75));
    let attempts = &recent.queues[&Note::QUEUE.to_string()];
    assert_eq!((attempts.done(), attempts.ends["dead"]), (3, 1));
    assert_eq!(attempts.quantile(0.5), Some(Duration::from_millis(16)));
    let late = queue.at(noon(Duration::from_secs(130)));
    assert!(late.recent(TWO).await.unwrap().queues.is_empty());
}

#[tokio::test]
async fn a_worker_is_on_the_roster_while_it_works_and_one_that_was_killed_is_forgotten_later() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let begin = queue.at(noon(Duration::ZERO));
    let pulse = Pulse::default();
    begin.sign("1", &roll("stops"), &pulse).await.unwrap();
    begin.sign("2", &roll("is killed"), &pulse).await.unwrap();
    begin.sign("3", &roll("works"), &pulse).await.unwrap();
    assert_eq!(names(&queue).await, ["is killed", "stops", "works"]);
    begin.sign_off("1").await.unwrap();
    let later = noon(Duration::from_secs(14 * 60));
    queue
        .at(later)
        .sign("3", &roll("works"), &pulse)
        .await
        .unwrap();
    queue.trim(later, &retention(), &[]).await.unwrap();
    assert_eq!(names(&queue).await, ["is killed", "works"]);
    let later = noon(Duration::from_secs(15 * 60));
    queue.trim(later, &retention(), &[]).await.unwrap();
    assert_eq!(names(&queue).await, ["works"]);
    assert_eq!(harness::unknown_keys(&redis), [].into());
}
