//! The connection is cut in the middle of every operation: before its request, within it, and before its answer.
//!
//! Whoever asked is told that it may have failed, asks again, and finds what he would have found without the cut:
//! nothing is lost, nothing is doubled, and the counts are right.

mod attempts;
mod effects;
mod jobs;
mod others;
mod people;
mod work;

use std::{fmt::Debug, time::Duration};

use harness::{Cut, Cutter, Note, RedisServer};
use signalbox_core::Payload;
use signalbox_queue::{
    JobState, Queue, QueueError,
    protocol::{self, Leased},
};

use super::LONG;

/// A Redis, a queue that goes there directly, and one whose way can be cut.
struct Line {
    direct: Queue,
    far: Queue,
    cutter: Cutter,
    cut: Cut,
    _redis: RedisServer,
}

impl Line {
    async fn new(cut: Cut) -> Self {
        let redis = RedisServer::start();
        let direct = redis.queue().await;
        let cutter = Cutter::open(&redis);
        let (far, _) = Queue::connect(cutter.options()).await.unwrap();
        Self {
            direct,
            far,
            cutter,
            cut,
            _redis: redis,
        }
    }

    /// Whether Redis does what it is asked although nobody learns of it.
    fn is_done(&self) -> bool {
        self.cut == Cut::BeforeTheAnswer
    }

    /// `act` once, with the way cut at its first script.
    async fn once<T: Debug>(&self, act: impl AsyncFnOnce(&Queue) -> Result<T, QueueError>) {
        self.once_at(0, act).await;
    }

    /// `act` once, with the way cut at the script that comes after `passed_over` others.
    async fn once_at<T: Debug>(
        &self,
        passed_over: usize,
        act: impl AsyncFnOnce(&Queue) -> Result<T, QueueError>,
    ) {
        self.cutter.cut(self.cut, passed_over);
        let failed = act(&self.far).await.unwrap_err();
        assert!(failed.is_transient(), "{failed:?}");
        assert!(!self.cutter.waits(), "no script was sent: {failed:?}");
    }

    /// `act` with the way cut at its first script, and again until it is answered. Returns the answer.
    async fn twice<T: Debug>(&self, act: impl AsyncFn(&Queue) -> Result<T, QueueError>) -> T {
        self.twice_at(0, act).await
    }

    /// As [`Line::twice`], of an operation that looks with `passed_over` scripts before it acts.
    async fn twice_at<T: Debug>(
        &self,
        passed_over: usize,
        act: impl AsyncFn(&Queue) -> Result<T, QueueError>,
    ) -> T {
        self.once_at(passed_over, &act).await;
        for _ in 0..1000 {
            match act(&self.far).await {
                Ok(answer) => return answer,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the queue does not find its way again");
    }

    /// A job called `id` that somebody leased.
    async fn leased(&self, id: &str) -> Leased {
        let job = Note::job(id, "lane", "x");
        self.direct.enqueue(job).await.unwrap();
        let leased = protocol::fetch(&self.direct, &Note::QUEUE, LONG, 1).await;
        leased.unwrap().remove(0)
    }

    /// How many jobs are in `state`, as the counts say.
    async fn count(&self, state: JobState) -> i64 {
        let depth = self.direct.depth().await.unwrap();
        let counts = depth.iter().filter(|((_, of), _)| *of == state);
        counts.map(|(_, count)| count).sum()
    }
}
