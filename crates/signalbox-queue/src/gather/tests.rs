//! Many callers at once, against a Redis that answers when the test says so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures::{
    future::{join, join_all},
    poll,
};
use redis::{ErrorKind, RedisError};
use serde::{Deserialize, Serialize};
use signalbox_core::{JobId, LaneChain, LaneName, Payload, QueueName};
use tokio::sync::Semaphore;

use super::{Answer, Gather, SendJobs};
use crate::{Enqueued, JobState, NewJob, QueueError};

#[derive(Serialize, Deserialize)]
struct Nothing;

impl Payload for Nothing {
    const QUEUE: QueueName = QueueName::new("nothing", 1);
}

/// Stores jobs as Redis would, each call once it was let through.
#[derive(Clone)]
struct Held(Arc<Store>);

struct Store {
    through: Semaphore,
    /// The sizes of the calls, and the jobs by id.
    calls: Mutex<(Vec<usize>, HashMap<String, u32>)>,
    broken: bool,
}

impl Held {
    fn new(broken: bool) -> Self {
        Self(Arc::new(Store {
            through: Semaphore::new(0),
            calls: Mutex::default(),
            broken,
        }))
    }

    fn let_through(&self, calls: usize) {
        self.0.through.add_permits(calls);
    }

    fn sizes(&self) -> Vec<usize> {
        self.0.calls.lock().unwrap().0.clone()
    }
}

impl SendJobs for Held {
    async fn send_jobs(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        self.0.through.acquire().await.unwrap().forget();
        let mut calls = self.0.calls.lock().unwrap();
        calls.0.push(jobs.len());
        if self.0.broken {
            let error = RedisError::from((ErrorKind::Io, "the line is cut"));
            return Err(QueueError::Redis(error));
        }
        let outcomes = jobs.iter().map(|job| {
            let times = calls.1.entry(job.id().as_str().to_owned()).or_default();
            *times += 1;
            if *times == 1 {
                Enqueued::New
            } else {
                Enqueued::Absorbed(JobState::Ready)
            }
        });
        Ok(outcomes.collect())
    }
}

fn job(id: &str) -> NewJob {
    let lanes = LaneChain::root(LaneName::new(["root"]));
    NewJob::new(JobId::new([id]), lanes, Nothing, None).unwrap()
}

/// What each of `ids` is told by callers that come at once. The first two have calls of their own.
async fn at_once(gather: &Arc<Gather>, held: &Held, ids: &[&str]) -> Vec<Answer> {
    let callers = join_all(ids.iter().map(|id| gather.enqueue(job(id), held)));
    let let_through = async { held.let_through(ids.len()) };
    join(callers, let_through).await.0
}

#[tokio::test]
async fn every_caller_is_told_what_became_of_its_own_job() {
    let (gather, held) = (Arc::default(), Held::new(false));
    let ids = ["a", "b", "c", "a", "d", "b", "e"];
    let answers = at_once(&gather, &held, &ids).await;
    let new: Vec<bool> = answers
        .into_iter()
        .map(|answer| answer.unwrap() == Enqueued::New)
        .collect();
    assert_eq!(new, [true, true, true, false, true, false, true]);
    assert_eq!(held.sizes(), [1, 1, 5]);
}

#[tokio::test]
async fn jobs_with_equal_ids_never_share_a_call() {
    let (gather, held) = (Arc::default(), Held::new(false));
    let answers = at_once(&gather, &held, &["a", "b", "c", "c", "c"]).await;
    let new = answers
        .into_iter()
        .filter(|answer| matches!(answer, Ok(Enqueued::New)));
    assert_eq!(new.count(), 3);
    assert_eq!(held.sizes().len(), 5);
}

#[tokio::test]
async fn an_error_reaches_every_caller_that_waits() {
    let (gather, held) = (Arc::default(), Held::new(true));
    let answers = at_once(&gather, &held, &["a", "b", "c", "d", "e"]).await;
    let failed = answers
        .into_iter()
        .filter(|answer| matches!(answer, Err(QueueError::Redis(_))));
    assert_eq!(failed.count(), 5);
    assert_eq!(held.sizes(), [1, 1, 3]);
}

#[tokio::test]
async fn callers_that_are_cancelled_while_their_calls_are_under_way_strand_nobody() {
    let (gather, held): (Arc<Gather>, _) = (Arc::default(), Held::new(false));
    let mut cancelled = ["a", "b"].map(|id| Box::pin(gather.enqueue(job(id), &held)));
    for caller in &mut cancelled {
        assert!(poll!(caller).is_pending());
    }
    let mut waiting = Box::pin(join_all(
        ["c", "d", "e"].map(|id| gather.enqueue(job(id), &held)),
    ));
    assert!(poll!(&mut waiting).is_pending());
    drop(cancelled);
    held.let_through(1);
    for answer in waiting.await {
        assert_eq!(answer.unwrap(), Enqueued::New);
    }
    assert_eq!(held.sizes(), [3]);
    gather.calls.close();
    gather.calls.wait().await;
    assert_eq!(gather.state().under_way, 0);
}

#[tokio::test]
async fn a_caller_that_is_cancelled_while_it_waits_strands_nobody_and_sends_nothing() {
    let (gather, held): (Arc<Gather>, _) = (Arc::default(), Held::new(false));
    let mut callers = ["a", "b", "c", "d"].map(|id| Some(Box::pin(gather.enqueue(job(id), &held))));
    for caller in callers.iter_mut().flatten() {
        assert!(poll!(caller).is_pending());
    }
    callers[2] = None;
    held.let_through(3);
    for answer in join_all(callers.into_iter().flatten()).await {
        assert_eq!(answer.unwrap(), Enqueued::New);
    }
    assert_eq!(held.sizes(), [1, 1, 1]);
}
