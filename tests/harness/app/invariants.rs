//! What holds at the end of every test of the whole line, unless the test says otherwise.

use std::{fmt::Write as _, thread};

use signalbox_queue::{JobState, Queue};
use tokio::runtime::Builder;

use super::App;

/// What a test says will not be as usual.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// So many jobs are dead at the end.
    pub dead: i64,
    /// So many cards are a second one for their document and status, as when several routes announce it.
    pub duplicates: u64,
    /// So many documents are not announced at the end.
    pub undelivered: u64,
    /// At most so many requests come before the instant that an answer named: a worker that is killed may take a
    /// `Retry-After` with it that nobody else has seen.
    pub early_requests: u64,
    /// Statuses of 400 to 499 that our requests may be answered without a scripted fault.
    pub refusals: Vec<u16>,
}

impl App {
    pub(super) fn check_invariants(&self) {
        let verdict = self.sim.verdict();
        let standing = self.standing();
        let duplicates = self.expected.duplicates;
        assert_eq!(
            verdict.duplicates.count, duplicates,
            "duplicates: {standing}"
        );
        assert_eq!(verdict.unexpected.count, 0, "unexpected cards: {standing}");
        assert_eq!(
            verdict.lost.count, self.expected.undelivered,
            "undelivered: {standing}"
        );
        assert!(
            verdict.early_requests <= self.expected.early_requests,
            "early requests: {standing}"
        );
        assert_eq!(
            verdict.subscriptions_deleted_by_answer, 0,
            "subscriptions lost by an answer: {standing}"
        );
        let refused = self.unexpected_refusals();
        assert!(refused.is_empty(), "refused: {refused:#?}");
        let worker_ended = self.worker.as_ref().is_some_and(super::Working::has_ended);
        assert!(!worker_ended, "the worker ended by itself: {standing}");
        let unknown = crate::unknown_keys(&self.redis);
        assert!(unknown.is_empty(), "keys that no table has: {unknown:?}");
        let (depth, dead) = self.depth_and_dead();
        assert_eq!(depth, self.expected.dead, "dead jobs: {dead}{standing}");
    }

    /// Requests of ours that were refused although no fault was scripted for them.
    fn unexpected_refusals(&self) -> Vec<String> {
        let requests = self.sim.requests().into_iter();
        let refused = requests.filter(|request| {
            let status = request.status.unwrap_or(200);
            request.fault.is_none()
                && (400..500).contains(&status)
                && !self.expected.refusals.contains(&status)
        });
        refused
            .map(|request| format!("{:?} {} {:?}", request.target, request.path, request.status))
            .collect()
    }

    /// Asked on a thread of its own, because a destructor cannot wait for a future.
    fn depth_and_dead(&self) -> (i64, String) {
        let options = self.redis.options(None);
        let options = signalbox_queue::QueueOptions {
            namespace: self.config().redis.namespace,
            ..options
        };
        let asked = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let (queue, _) = Queue::connect(options).await.expect("redis answers");
                dead(&queue).await
            })
        });
        asked.join().expect("redis answers")
    }

    /// Where everything stands, for the message of a failed test.
    pub fn standing(&self) -> String {
        let verdict = self.sim.verdict();
        let mut text = format!("{verdict:#?}\nlast requests:\n");
        let requests = self.sim.requests();
        for request in requests.iter().rev().take(15).rev() {
            let line = (request.at, request.target, &request.path, request.status);
            writeln!(text, "{line:?} {:?}", request.fault).expect("a string takes text");
        }
        text
    }
}

async fn dead(queue: &Queue) -> (i64, String) {
    let depth = queue.depth().await.expect("redis answers");
    let count = depth
        .iter()
        .filter(|((_, state), _)| *state == JobState::Dead)
        .map(|(_, count)| count)
        .sum();
    let mut text = String::new();
    for name in ["catch_up@2", "post", "read", "renew@2"] {
        for (id, reason) in queue.dead_jobs(name, 10).await.expect("redis answers") {
            writeln!(text, "{id}: {reason}").expect("a string takes text");
        }
    }
    (count, text)
}
