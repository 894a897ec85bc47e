//! Enqueueing.

use harness::{Cut, Note};
use signalbox_core::Payload;
use signalbox_queue::{Enqueued, JobState, NewJob, protocol};

use super::{super::LONG, Line};

fn job(id: &str) -> NewJob {
    Note::job(id, "lane", "x")
}

#[tokio::test]
async fn a_job_whose_enqueue_was_cut_is_enqueued_again_and_is_there_once() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let expected = if line.is_done() {
            Enqueued::Absorbed(JobState::Ready)
        } else {
            Enqueued::New
        };
        let one = line.twice(async |queue| queue.enqueue(job("a")).await);
        assert_eq!(one.await, expected, "{cut:?}");
        let signals = line.twice(async |queue| queue.take_in(vec![job("b"), job("c")]).await);
        assert_eq!(signals.await, [expected, expected], "{cut:?}");
        let many = line.twice(async |queue| queue.enqueue_all(vec![job("d")]).await);
        assert_eq!(many.await, [expected], "{cut:?}");
        let leased = protocol::fetch(&line.direct, &Note::QUEUE, LONG, 9).await;
        let ids: Vec<String> = leased
            .unwrap()
            .iter()
            .map(|leased| leased.lease.id.to_string())
            .collect();
        assert_eq!(ids, ["a", "b", "c", "d"], "{cut:?}");
        assert_eq!(line.count(JobState::Ready).await, 0, "{cut:?}");
    }
}

#[tokio::test]
async fn a_change_whose_enqueue_was_cut_while_its_job_runs_is_read_once_more() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let running = line.leased("a").await;
        let changed = jiff::Timestamp::from_second(2).unwrap();
        let news = || Note::job("a", "lane", "new").keep_last(changed);
        let told = line.twice(async |queue| queue.enqueue(news()).await);
        assert_eq!(told.await, Enqueued::Pending, "{cut:?}");
        let verb = protocol::Verb::Complete;
        let ended = protocol::settle(&line.direct, &running.lease, verb, "").await;
        assert!(ended.unwrap());
        let again = protocol::fetch(&line.direct, &Note::QUEUE, LONG, 9).await;
        let again = again.unwrap();
        assert_eq!(again.len(), 1, "{cut:?}");
        let payload = protocol::payload(&line.direct, &again[0]).unwrap();
        assert_eq!(payload, r#"{"text":"new"}"#);
    }
}
