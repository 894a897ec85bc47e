//! The trail: stories found by name, within an age and a budget.

use std::time::Duration;

use harness::RedisServer;
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{DocumentName, JobId, Step, StepWord};
use signalbox_queue::{Queue, QueueOptions, Trail, TrailRetention};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const DAY: Duration = Duration::from_secs(86_400);

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn step(second: i64, word: StepWord, job: &str) -> Step {
    Step::new(after(second), word, JobId::new([job]))
}

fn document(number: &str) -> Option<DocumentName> {
    DocumentName::new("Production,1", number)
}

fn words(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.word.as_str()).collect()
}

async fn many_partitions(redis: &RedisServer) -> Queue {
    let options = QueueOptions {
        partitions: 7,
        ..redis.options(None)
    };
    Queue::connect(options).await.unwrap().0
}

#[tokio::test]
async fn a_story_begins_with_the_signal_although_only_the_read_learnt_the_document() {
    let redis = RedisServer::start();
    let queue = many_partitions(&redis).await;
    let signal = step(0, StepWord::Signal, "read-7");
    queue.append_steps(&[signal]).await.unwrap();
    let read = step(1, StepWord::Read, "read-7").of(document("103201"));
    let posted = step(2, StepWord::Announced, "post-7").of(document("103201"));
    let other = step(2, StepWord::Announced, "post-8").of(document("103202"));
    queue.append_steps(&[posted, other, read]).await.unwrap();
    let story = queue.story(" 103201 ").await.unwrap();
    assert_eq!(words(&story), ["signal", "read", "announced"]);
    let again = step(3, StepWord::Signal, "read-7");
    queue.append_steps(&[again]).await.unwrap();
    let story = queue.story("103201").await.unwrap();
    assert_eq!(words(&story), ["signal", "read", "announced", "signal"]);
    let of_job = queue.story("read-7").await.unwrap();
    assert_eq!(words(&of_job), ["signal", "signal"]);
    assert!(queue.story("103203").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_document_is_found_by_its_control_number_too_and_in_either_case() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let event = step(0, StepWord::Signal, "fo/a").also_named("5637144576");
    let read = step(1, StepWord::Read, "fo/a")
        .of(document("Po-0017"))
        .also_named("5637144576");
    queue.append_steps(&[event, read]).await.unwrap();
    for name in ["5637144576", "PO-0017", "po-0017"] {
        let story = queue.story(name).await.unwrap();
        assert_eq!(words(&story), ["signal", "read"], "{name}");
    }
}

#[tokio::test]
async fn one_number_in_two_companies_is_two_documents_and_both_are_told() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let other = DocumentName::new("Production,2", "103201");
    let steps = [
        step(0, StepWord::Announced, "a").of(document("103201")),
        step(1, StepWord::Announced, "b").of(other.clone()),
    ];
    queue.append_steps(&steps).await.unwrap();
    let story = queue.story("103201").await.unwrap();
    assert_eq!(story.len(), 2);
    assert_eq!(story[1].document, other);
}

#[tokio::test]
async fn steps_that_are_appended_again_after_a_lost_answer_are_told_once() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let steps = [
        step(0, StepWord::Read, "a").of(document("1")),
        step(0, StepWord::NotAnnounced, "a")
            .of(document("1"))
            .because("draft"),
    ];
    queue.append_steps(&steps).await.unwrap();
    queue.append_steps(&steps).await.unwrap();
    assert_eq!(queue.story("1").await.unwrap(), steps);
}

#[tokio::test]
async fn a_story_keeps_its_newest_two_hundred_steps() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let steps: Vec<Step> = (0..250)
        .map(|second| step(second, StepWord::Signal, "a"))
        .collect();
    queue.append_steps(&steps).await.unwrap();
    let story = queue.story("a").await.unwrap();
    assert_eq!(story, steps[50..]);
    ended_all(&queue).await;
}

/// Ends everything and sees that nothing was counted that is not there any more.
async fn ended_all(queue: &Queue) {
    let nothing = TrailRetention {
        keep: DAY,
        bytes: 0,
    };
    queue.trim_trail(start(), &nothing).await.unwrap();
    assert_eq!(queue.trail_bytes().await.unwrap(), 0);
}

async fn filled(queue: &Queue, documents: i64) {
    let steps: Vec<Step> = (0..documents)
        .map(|number| {
            let job = format!("post/route/scope/{number}");
            step(number, StepWord::Announced, &job)
                .of(document(&number.to_string()))
                .because("the receipt of the channel, about as long as they are")
        })
        .collect();
    queue.append_steps(&steps).await.unwrap();
}

#[tokio::test]
async fn the_longest_untouched_stories_go_first_when_the_trail_is_over_its_budget() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    filled(&queue, 1000).await;
    let touched = step(5000, StepWord::NotAnnounced, "late").of(document("0"));
    queue.append_steps(&[touched]).await.unwrap();
    let full = queue.trail_bytes().await.unwrap();
    let retention = TrailRetention {
        keep: DAY,
        bytes: full / 2,
    };
    let ended = queue.trim_trail(after(6000), &retention).await.unwrap();
    assert!((450..550).contains(&ended), "{ended} stories were ended");
    let held = queue.trail_bytes().await.unwrap();
    assert!(
        held <= full / 2 && held > full / 2 - 1000,
        "{held} of {full}"
    );
    assert!(queue.story("1").await.unwrap().is_empty());
    assert_eq!(queue.story("0").await.unwrap().len(), 2);
    assert_eq!(queue.story("999").await.unwrap().len(), 1);
    assert_eq!(queue.trim_trail(after(6000), &retention).await.unwrap(), 0);
    ended_all(&queue).await;
}

#[tokio::test]
async fn a_story_without_a_new_step_ends_by_age() {
    let redis = RedisServer::start();
    let queue = many_partitions(&redis).await;
    filled(&queue, 10).await;
    let retention = TrailRetention {
        keep: DAY,
        bytes: u64::MAX,
    };
    let ended = async |second: i64| {
        let now = after(86_400 + second);
        queue.trim_trail(now, &retention).await.unwrap()
    };
    assert_eq!((ended(0).await, ended(5).await, ended(99).await), (0, 5, 5));
    assert_eq!(queue.trail_bytes().await.unwrap(), 0);
}

#[tokio::test]
async fn the_trail_takes_no_more_of_redis_than_it_counts() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    queue
        .append_steps(&[step(0, StepWord::Read, "a")])
        .await
        .unwrap();
    let before = used(&redis);
    filled(&queue, 20_000).await;
    let counted = queue.trail_bytes().await.unwrap();
    let taken = used(&redis) - before;
    assert!(taken <= counted, "{taken} bytes taken, {counted} counted");
    assert!(
        counted < taken * 3 / 2,
        "{taken} bytes taken, {counted} counted"
    );
}

fn used(redis: &RedisServer) -> u64 {
    let info = redis.command("INFO memory");
    let (_, rest) = info.split_once("used_memory_dataset:").unwrap();
    rest.split("\r\n").next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_walk_sees_every_story_since_an_instant_once_while_others_are_appended() {
    let redis = RedisServer::start();
    let queue = many_partitions(&redis).await;
    filled(&queue, 2000).await;
    let mut walk = queue.walk_trail(after(100));
    let mut seen = Vec::new();
    while let Some(stories) = walk.next().await.unwrap() {
        let steps = stories.iter().flatten().map(|step| step.at);
        seen.extend(steps.filter(|at| *at < after(5000)));
        let touched = step(5000, StepWord::Signal, "x").of(document("1500"));
        queue.append_steps(&[touched]).await.unwrap();
    }
    seen.sort_unstable();
    let all: Vec<Timestamp> = (100..2000).map(after).collect();
    assert!(seen == all, "{} steps were seen", seen.len());
}

#[tokio::test]
async fn a_writer_that_stops_appends_what_was_told_before() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let (trail, writer) = Trail::open(queue.clone());
    for second in 0..120 {
        trail.tell(step(second, StepWord::Signal, "a"));
    }
    let stop = CancellationToken::new();
    stop.cancel();
    writer.run(stop).await;
    assert_eq!(queue.story("a").await.unwrap().len(), 120);
    trail.tell(step(0, StepWord::Signal, "a"));
    assert_eq!(trail.dropped(), 1);
}

#[tokio::test]
async fn what_does_not_fit_while_redis_is_away_is_dropped_and_counted_and_the_rest_is_appended() {
    let mut redis = RedisServer::start();
    let queue = redis.queue().await;
    redis.kill();
    let (trail, writer) = Trail::open(queue.clone());
    let stop = CancellationToken::new();
    let told = 20_000;
    for number in 0..told {
        let job = format!("job-{number}");
        trail.tell(step(number, StepWord::Signal, &job));
    }
    let tasks = TaskTracker::new();
    tasks.spawn(writer.run(stop.clone()));
    assert!(trail.dropped() > 0);
    redis.restart();
    let kept = told - i64::try_from(trail.dropped()).unwrap();
    let last = format!("job-{}", kept - 1);
    while queue
        .story(&last)
        .await
        .map_or(true, |story| story.is_empty())
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(queue.story("job-0").await.unwrap().len(), 1);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
