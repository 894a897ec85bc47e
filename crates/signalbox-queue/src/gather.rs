//! Gathers jobs that many callers enqueue at the same time into few scripts, so that they share the round trip and
//! the wait for the disk.
//!
//! A caller that finds room sends its job itself and at once: alone, it waits for nobody.
//! Whoever comes while enough calls are under way goes with the next one, in a task that no caller's cancellation
//! ends. Jobs with equal ids never share a call, so that each caller is told what became of its own job.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redis::{ErrorKind, RedisError};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::task::TaskTracker;

use crate::{Enqueued, NewJob, QueueError};

/// While Redis works on one call the next is on its way. More would only make each smaller.
const MOST_UNDER_WAY: usize = 2;
/// Jobs in one call.
const MOST_JOBS: usize = 500;
/// Bytes of payload after which a call takes no further job: Redis serves nobody else while it reads.
const MOST_BYTES: usize = 1 << 20;

type Answer = Result<Enqueued, QueueError>;

/// What jobs are sent with.
pub(crate) trait SendJobs: Clone + Send + Sync + 'static {
    /// Stores jobs with distinct ids in one call and says of each, in order, what became of it.
    fn send_jobs(
        &self,
        jobs: &[NewJob],
    ) -> impl Future<Output = Result<Vec<Enqueued>, QueueError>> + Send;
}

/// Where the jobs for one partition gather.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Nothing awaits while it is locked.
    state: Mutex<State>,
    calls: TaskTracker,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    under_way: usize,
}

#[derive(Debug)]
struct Waiting {
    job: NewJob,
    answer: oneshot::Sender<Answer>,
}

impl Gather {
    /// Stores `job`, alone or with others that come at the same time.
    pub(crate) async fn enqueue<S: SendJobs>(self: &Arc<Self>, job: NewJob, sender: &S) -> Answer {
        let (turn, job) = match self.place(job, sender) {
            Ok(first) => first,
            Err(behind) => return behind.await.unwrap_or_else(|_| Err(abandoned())),
        };
        let outcomes = turn.sender.send_jobs(&[job]).await?;
        Ok(outcomes.first().copied().unwrap_or(Enqueued::New))
    }

    /// The leave to send the job at once, or else where its answer will come.
    fn place<S: SendJobs>(
        self: &Arc<Self>,
        job: NewJob,
        sender: &S,
    ) -> Result<(Turn<S>, NewJob), oneshot::Receiver<Answer>> {
        let mut state = self.state();
        if state.under_way < MOST_UNDER_WAY {
            state.under_way += 1;
            return Ok((Turn::new(self, sender), job));
        }
        let (answer, behind) = oneshot::channel();
        state.waiting.push_back(Waiting { job, answer });
        Err(behind)
    }

    /// What goes with the next call: no id twice, and nothing that nobody waits for any more.
    fn next(&self) -> (Vec<NewJob>, Vec<oneshot::Sender<Answer>>) {
        let mut state = self.state();
        let (mut jobs, mut answers, mut left) = (Vec::new(), Vec::new(), VecDeque::new());
        let (mut ids, mut bytes) = (HashSet::new(), 0);
        while jobs.len() < MOST_JOBS
            && bytes < MOST_BYTES
            && let Some(waiting) = state.waiting.pop_front()
        {
            if waiting.answer.is_closed() {
                continue;
            }
            if ids.insert(hash(waiting.job.id())) {
                bytes += waiting.job.payload.len();
                jobs.push(waiting.job);
                answers.push(waiting.answer);
            } else {
                left.push_back(waiting);
            }
        }
        left.append(&mut state.waiting);
        state.waiting = left;
        (jobs, answers)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The leave to have one call under way. It is passed on when dropped, so that a cancelled caller strands nobody.
struct Turn<S: SendJobs> {
    gather: Arc<Gather>,
    sender: S,
    /// True while a task of ours sends: if that is dropped, its runtime has ended.
    in_task: bool,
}

impl<S: SendJobs> Turn<S> {
    fn new(gather: &Arc<Gather>, sender: &S) -> Self {
        Self {
            gather: gather.clone(),
            sender: sender.clone(),
            in_task: false,
        }
    }

    /// Sends what waits until nothing does.
    async fn send_waiting(mut self) {
        self.in_task = true;
        loop {
            // Whoever was just answered brings the next job first, and it goes with this call.
            tokio::task::yield_now().await;
            let (jobs, answers) = self.gather.next();
            if jobs.is_empty() {
                break;
            }
            let sent = self.sender.send_jobs(&jobs).await;
            answer(sent, answers);
        }
        self.in_task = false;
    }
}

impl<S: SendJobs> Drop for Turn<S> {
    fn drop(&mut self) {
        let mut state = self.gather.state();
        state.under_way -= 1;
        if state.waiting.is_empty() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) if !self.in_task => {
                state.under_way += 1;
                drop(state);
                let next = Self::new(&self.gather, &self.sender);
                self.gather.calls.spawn_on(next.send_waiting(), &runtime);
            }
            // Without a runtime nothing can be sent; dropping their senders tells those who wait.
            _ => state.waiting.clear(),
        }
    }
}

/// Tells every caller what became of its job, or all of them why nobody knows.
fn answer(sent: Result<Vec<Enqueued>, QueueError>, answers: Vec<oneshot::Sender<Answer>>) {
    match sent {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that is gone needs no answer.
                drop(answer.send(Ok(outcome)));
            }
        }
        Err(error) => {
            for answer in answers {
                drop(answer.send(Err(again(&error))));
            }
        }
    }
}

/// The same error for one caller more.
fn again(error: &QueueError) -> QueueError {
    match error {
        QueueError::Redis(source) => QueueError::Redis(source.clone()),
        QueueError::NotInstalled { id } => QueueError::NotInstalled { id: id.clone() },
        other => QueueError::Redis(io_error(other.to_string())),
    }
}

/// The task that made the call is gone; whether Redis ran it, nobody knows.
pub(crate) fn abandoned() -> QueueError {
    QueueError::Redis(io_error("the call ended without an answer".to_owned()))
}

fn io_error(detail: String) -> RedisError {
    RedisError::from((ErrorKind::Io, "enqueueing together failed", detail))
}

/// Equal hashes of different ids only keep two jobs out of the same call.
fn hash(id: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
