//! What happens when a job's id is already there: the table of DESIGN §3, on every state.

use harness::{Note, RedisServer, Script, Steered};
use jiff::{SignedDuration, Timestamp};
use signalbox_queue::{Enqueued, JobState, Queue};

use super::{LONG, until_state, view};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn latest(text: &str, changed: i64) -> signalbox_queue::NewJob {
    Note::job("a", "lane", text).keep_last(at(changed))
}

fn same_news() -> signalbox_queue::NewJob {
    Note::job("a", "lane", "again")
}

async fn queue_with(job: signalbox_queue::NewJob) -> (RedisServer, Queue) {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    assert_eq!(queue.enqueue(job).await.unwrap(), Enqueued::New);
    (redis, queue)
}

#[tokio::test]
async fn the_same_news_is_absorbed_while_its_job_waits() {
    let far = Timestamp::MAX;
    for (job, state) in [
        (same_news(), JobState::Ready),
        (same_news().due(far), JobState::Scheduled),
        (same_news().held_with("g"), JobState::Held),
    ] {
        let (_redis, queue) = queue_with(job).await;
        let outcome = queue.enqueue(same_news()).await.unwrap();
        assert_eq!(outcome, Enqueued::Absorbed(state));
        assert_eq!(view(&queue, "a").await.state, state);
    }
}

#[tokio::test]
async fn a_waiting_job_takes_over_the_payload_of_the_later_change_only() {
    let (_redis, queue) = queue_with(latest("second", 2)).await;
    let older = queue.enqueue(latest("first", 1)).await.unwrap();
    assert_eq!(older, Enqueued::Merged(JobState::Ready));
    assert!(view(&queue, "a").await.payload.contains("second"));
    queue.enqueue(latest("third", 3)).await.unwrap();
    assert!(view(&queue, "a").await.payload.contains("third"));
}

#[tokio::test]
async fn a_held_job_stays_held_with_the_newest_payload() {
    let (_redis, queue) = queue_with(latest("old", 1).held_with("g")).await;
    queue.enqueue(latest("new", 2)).await.unwrap();
    let job = view(&queue, "a").await;
    assert_eq!(job.state, JobState::Held);
    assert!(job.payload.contains("new"));
}

#[tokio::test]
async fn the_earlier_due_time_wins() {
    let (_redis, queue) = queue_with(latest("late", 1).due(Timestamp::MAX)).await;
    let queue_then = queue.at(at(0));
    let sooner = at(0) + SignedDuration::from_secs(60);
    queue_then
        .enqueue(latest("sooner", 2).due(sooner))
        .await
        .unwrap();
    assert_eq!(view(&queue, "a").await.due, Some(sooner));
    queue_then.enqueue(latest("now", 3)).await.unwrap();
    assert_eq!(view(&queue, "a").await.state, JobState::Ready);
}

#[tokio::test]
async fn a_change_during_a_read_causes_exactly_one_more_read_with_the_newest_payload() {
    let (redis, queue) = queue_with(latest("first", 1)).await;
    let mut worker = Steered::start(&redis, LONG);
    let running = worker.next().await;
    for (text, changed) in [("third", 3), ("second", 2)] {
        let outcome = queue.enqueue(latest(text, changed)).await.unwrap();
        assert_eq!(outcome, Enqueued::Pending);
    }
    running.tell(Script::Complete);
    let again = worker.next().await;
    assert_eq!((again.text.as_str(), again.attempt), ("third", 1));
    again.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn the_same_news_is_absorbed_while_its_job_runs() {
    let (redis, queue) = queue_with(same_news()).await;
    let mut worker = Steered::start(&redis, LONG);
    let running = worker.next().await;
    let outcome = queue.enqueue(same_news()).await.unwrap();
    assert_eq!(outcome, Enqueued::Absorbed(JobState::Running));
    running.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_done_job_absorbs_the_same_news_for_seven_days_and_a_change_never() {
    let (redis, queue) = queue_with(same_news()).await;
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
    let absorbed = queue.enqueue(same_news()).await.unwrap();
    assert_eq!(absorbed, Enqueued::Absorbed(JobState::Done));
    let change = queue.enqueue(latest("changed", 1)).await.unwrap();
    assert_eq!(change, Enqueued::New);
}

#[tokio::test]
async fn after_the_dedupe_window_the_same_news_is_new() {
    let (redis, queue) = queue_with(same_news()).await;
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "a", JobState::Done).await;
    worker.stop().await;
    let later = Timestamp::MAX - SignedDuration::from_hours(24);
    assert_eq!(
        queue.at(later).enqueue(same_news()).await.unwrap(),
        Enqueued::New
    );
}

#[tokio::test]
async fn a_dead_job_absorbs_the_same_news_and_gives_way_to_a_change() {
    let (redis, queue) = queue_with(same_news()).await;
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Fail);
    let dead = until_state(&queue, "a", JobState::Dead).await;
    assert_eq!(dead.reason, "will not succeed: told to fail");
    worker.stop().await;
    let absorbed = queue.enqueue(same_news()).await.unwrap();
    assert_eq!(absorbed, Enqueued::Absorbed(JobState::Dead));
    assert_eq!(
        queue.enqueue(latest("new", 1)).await.unwrap(),
        Enqueued::New
    );
    assert!(queue.dead_jobs("note", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn equal_ids_in_one_batch_are_merged_first() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let batch = vec![latest("older", 1), latest("newest", 3), latest("newer", 2)];
    let outcomes = queue.enqueue_all(batch).await.unwrap();
    assert_eq!(outcomes, [Enqueued::New; 3]);
    assert!(view(&queue, "a").await.payload.contains("newest"));
    let ready = ("note".to_owned(), JobState::Ready);
    assert_eq!(queue.depth().await.unwrap()[&ready], 1);
}

#[tokio::test]
async fn an_id_of_digits_is_kept_and_acknowledged_as_it_is() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue
        .enqueue(Note::job("000000905", "lane", "digits"))
        .await
        .unwrap();
    let mut worker = Steered::start(&redis, LONG);
    worker.next().await.tell(Script::Complete);
    until_state(&queue, "000000905", JobState::Done).await;
    worker.stop().await;
}
