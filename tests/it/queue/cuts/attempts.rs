//! Fetching, renewing and ending attempts, and the permits of their requests.

use std::{collections::BTreeMap, time::Duration};

use harness::{Cut, Note};
use jiff::Timestamp;
use signalbox_core::{LaneLimits, LaneName, Payload};
use signalbox_queue::{
    Enqueued, JobState, Lease, Permission, Queue,
    protocol::{self, Leased, Verb},
};

use super::{
    super::{LONG, SHORT, view},
    Line,
};

/// The job once it can be leased, by somebody who looks again and again.
async fn fetched(queue: &Queue) -> Leased {
    for _ in 0..1000 {
        let leased = protocol::fetch(queue, &Note::QUEUE, SHORT, 9).await;
        let mut leased = leased.unwrap();
        assert!(leased.len() <= 1, "{leased:?}");
        if let Some(leased) = leased.pop() {
            return leased;
        }
        tokio::time::sleep(SHORT / 20).await;
    }
    panic!("nobody gets the job");
}

#[tokio::test]
async fn jobs_of_a_fetch_that_was_cut_are_leased_once_and_run_when_that_lease_is_over() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let job = Note::job("a", "lane", "x");
        line.direct.enqueue(job).await.unwrap();
        let fetch = async |queue: &Queue| protocol::fetch(queue, &Note::QUEUE, SHORT, 9).await;
        line.once(fetch).await;
        let leased = fetched(&line.direct).await;
        assert_eq!(leased.deaths, u32::from(line.is_done()), "{cut:?}");
        let ended = protocol::settle(&line.direct, &leased.lease, Verb::Complete, "").await;
        assert!(ended.unwrap());
        assert_eq!(line.count(JobState::Running).await, 0, "{cut:?}");
    }
}

#[tokio::test]
async fn a_job_that_was_stored_and_leased_by_a_script_that_was_cut_is_stored_and_leased_once() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let job = || Note::job("a", "lane", "x");
        let act = async |queue: &Queue| {
            let done = protocol::enqueue_and_fetch(queue, job(), SHORT, 9).await;
            done.map(|(stored, leased)| (stored, leased.len()))
        };
        let expected = if line.is_done() {
            (Enqueued::Absorbed(JobState::Running), 0)
        } else {
            (Enqueued::New, 1)
        };
        assert_eq!(line.twice(act).await, expected, "{cut:?}");
        // Nobody renews the lease, whoever has it.
        assert_eq!(fetched(&line.direct).await.deaths, 1, "{cut:?}");
    }
}

#[tokio::test]
async fn jobs_whose_claim_was_cut_end_with_nobodys_attempt_and_run_again() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        for id in ["a", "b"] {
            let job = Note::job(id, "lane", id).batched_with("batch");
            line.direct.enqueue(job).await.unwrap();
        }
        let first = protocol::fetch(&line.direct, &Note::QUEUE, SHORT, 1).await;
        let first = first.unwrap().remove(0);
        line.once(async |queue| queue.claim_more::<Note>(&first.lease, "batch", 9).await)
            .await;
        // The claim took the second job along into an attempt that ends unheard, or left it where it was.
        let mut deaths = BTreeMap::new();
        while deaths.len() < 2 {
            let leased = protocol::fetch(&line.direct, &Note::QUEUE, LONG, 9).await;
            for leased in leased.unwrap() {
                let again = deaths.insert(leased.lease.id.to_string(), leased.deaths);
                assert_eq!(again, None, "{cut:?}");
            }
            tokio::time::sleep(SHORT / 20).await;
        }
        assert_eq!(deaths["a"], 1, "{cut:?}");
        assert_eq!(deaths["b"], u32::from(line.is_done()), "{cut:?}");
    }
}

#[tokio::test]
async fn a_renewal_that_was_cut_is_made_again_and_keeps_the_lease() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let leased = line.leased("a").await;
        let renew = async |queue: &Queue| protocol::renew(queue, &leased.lease, LONG).await;
        assert!(line.twice(renew).await, "{cut:?}");
        assert_eq!(view(&line.direct, "a").await.state, JobState::Running);
    }
}

#[tokio::test]
async fn an_outcome_that_was_cut_is_sent_again_and_applied_once() {
    let later = Timestamp::from_second(4_000_000_000).unwrap();
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        for (verb, becomes, attempts) in [
            (Verb::Complete, JobState::Done, 0),
            (Verb::Retry(later), JobState::Scheduled, 1),
            (Verb::Defer(later), JobState::Scheduled, 1),
            (Verb::Snooze(later), JobState::Scheduled, 0),
            (Verb::Again(later), JobState::Scheduled, 0),
            (Verb::Dead, JobState::Dead, 1),
            (Verb::Hold("group".to_owned()), JobState::Held, 1),
            // Last, because it can be leased again.
            (Verb::Release, JobState::Ready, 0),
        ] {
            let id = format!("{verb:?}").replace(|c: char| !c.is_alphanumeric(), "-");
            let leased = line.leased(&id).await;
            let settle = async |queue: &Queue| {
                protocol::settle(queue, &leased.lease, verb.clone(), "why").await
            };
            let applied = line.twice(settle).await;
            assert_eq!(applied, !line.is_done(), "{cut:?} {verb:?}");
            let job = view(&line.direct, &id).await;
            assert_eq!(job.state, becomes, "{cut:?} {verb:?}");
            if becomes != JobState::Done {
                assert_eq!(job.attempt, attempts, "{cut:?} {verb:?}");
            }
        }
        assert_eq!(line.count(JobState::Running).await, 0, "{cut:?}");
        assert_eq!(line.count(JobState::Scheduled).await, 4, "{cut:?}");
    }
}

/// A lane with one place.
fn narrow() -> [(LaneName, LaneLimits); 1] {
    let limits = LaneLimits {
        concurrency: Some(1),
        windows: Vec::new(),
    };
    [(Note::root(), limits)]
}

async fn is_granted(queue: &Queue, lease: &Lease) -> bool {
    let permission = queue.permit(lease, &narrow(), 1).await.unwrap();
    matches!(permission, Permission::Granted(_))
}

#[tokio::test]
async fn a_place_whose_permit_was_cut_on_its_way_comes_back_with_the_attempt() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let first = line.leased("a").await;
        let other = line.leased("b").await;
        line.once(async |queue| queue.permit(&first.lease, &narrow(), 1).await)
            .await;
        // Nobody may send a request in its place, because one may be under way.
        let free = is_granted(&line.direct, &other.lease).await;
        assert_eq!(free, !line.is_done(), "{cut:?}");
        for leased in [&first, &other] {
            let ended = protocol::settle(&line.direct, &leased.lease, Verb::Complete, "");
            assert!(ended.await.unwrap());
        }
        let next = line.leased("c").await;
        assert!(is_granted(&line.direct, &next.lease).await, "{cut:?}");
    }
}

#[tokio::test]
async fn a_permit_whose_return_was_cut_comes_back_with_the_attempt_at_the_latest() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let first = line.leased("a").await;
        let other = line.leased("b").await;
        let permission = line.direct.permit(&first.lease, &narrow(), 1).await;
        let Permission::Granted(permit) = permission.unwrap() else {
            panic!("the lane is free");
        };
        line.once(async |queue| queue.give_back(permit).await).await;
        let free = is_granted(&line.direct, &other.lease).await;
        assert_eq!(free, line.is_done(), "{cut:?}");
        for leased in [&first, &other] {
            let ended = protocol::settle(&line.direct, &leased.lease, Verb::Complete, "");
            assert!(ended.await.unwrap());
        }
        let next = line.leased("c").await;
        assert!(is_granted(&line.direct, &next.lease).await, "{cut:?}");
    }
}

#[tokio::test]
async fn a_permit_that_is_let_go_over_a_way_that_is_cut_is_no_error_of_its_holder() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let leased = line.leased("a").await;
        let permission = line.direct.permit(&leased.lease, &narrow(), 1).await;
        let Permission::Granted(permit) = permission.unwrap() else {
            panic!("the lane is free");
        };
        line.cutter.cut(cut, 0);
        line.far.let_go(&permit);
        while line.cutter.waits() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ended = protocol::settle(&line.direct, &leased.lease, Verb::Complete, "").await;
        assert!(ended.unwrap());
        let next = line.leased("b").await;
        assert!(is_granted(&line.direct, &next.lease).await, "{cut:?}");
    }
}
