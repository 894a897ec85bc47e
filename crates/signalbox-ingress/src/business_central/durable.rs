//! Waiting for Redis within the time that a request has, and answering 503 when it is over.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use signalbox_queue::{NewJob, QueueError};

use crate::{IngressOptions, answer::Answer};

/// The wait for Redis of one request.
pub(crate) struct Durable<'a> {
    pub(crate) options: &'a IngressOptions,
    deadline: tokio::time::Instant,
}

impl<'a> Durable<'a> {
    pub(crate) fn new(options: &'a IngressOptions) -> Self {
        Self {
            options,
            deadline: tokio::time::Instant::now() + options.redis_wait,
        }
    }

    /// Tries until Redis answers or the request's time is over.
    pub(crate) async fn attempt<T, R>(&self, mut operation: impl FnMut() -> R) -> Result<T, Answer>
    where
        R: Future<Output = Result<T, QueueError>>,
    {
        let retries = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_millis(500))
            .with_jitter()
            .without_max_times();
        let tried = async {
            let mut delays = retries.build();
            loop {
                match operation().await {
                    Err(error) if error.is_transient() => {
                        tokio::time::sleep(delays.next().unwrap_or_default()).await;
                    }
                    ended => return ended,
                }
            }
        };
        match tokio::time::timeout_at(self.deadline, tried).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a signal is not durable; the sender is asked to send it again"
                );
                Err(Answer::Later)
            }
            Err(_) => {
                tracing::error!("redis did not answer in time; the sender is asked to send again");
                Err(Answer::Later)
            }
        }
    }

    /// Makes `jobs` durable.
    pub(crate) async fn enqueue(&self, jobs: impl IntoIterator<Item = NewJob>) -> Answer {
        let jobs: Vec<NewJob> = jobs.into_iter().collect();
        if jobs.is_empty() {
            return Answer::Taken;
        }
        let enqueued = self
            .attempt(|| self.options.queue.take_in(jobs.clone()))
            .await;
        enqueued.map_or_else(|later| later, |_| Answer::Taken)
    }

    /// Counts what was refused and keeps it as a sample.
    pub(crate) async fn sample(&self, what: &str, sample: &[u8]) -> Answer {
        let kept = self
            .attempt(|| self.options.queue.keep_sample(what, sample))
            .await;
        kept.map_or_else(|later| later, |_| Answer::Taken)
    }
}
