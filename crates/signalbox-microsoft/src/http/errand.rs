//! On whose behalf a request is made: the trace of the signal, and the instant after which it may not run.

use std::{fmt, pin::pin, time::Instant};

use super::gatekeeper::Gatekeeper;

/// Says the instant after which no request may start or go on, on the monotonic clock.
///
/// It is asked again whenever that instant has come, because a lease that was renewed has moved it.
pub type Deadline<'a> = &'a (dyn Fn() -> Instant + Send + Sync);

/// The part of a call that comes from the job and not from the client.
#[derive(Clone, Copy, Default)]
pub struct Errand<'a> {
    /// The W3C `traceparent` to send.
    pub trace: Option<&'a str>,
    /// Until when the request may run; without it only the request's timeout counts.
    pub not_after: Option<Deadline<'a>>,
    /// Who is asked for leave before each request; without one every request may be sent.
    pub gatekeeper: Option<&'a dyn Gatekeeper>,
}

impl Errand<'_> {
    /// Whether the deadline has passed.
    pub(crate) fn is_over(&self) -> bool {
        self.not_after
            .is_some_and(|not_after| not_after() <= Instant::now())
    }

    /// Runs `work` until it is done or the deadline has passed; the latter drops it and gives `None`.
    pub(crate) async fn run<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let Some(not_after) = self.not_after else {
            return Some(work.await);
        };
        loop {
            let end = not_after();
            if end <= Instant::now() {
                return None;
            }
            if let Ok(done) = tokio::time::timeout_at(end.into(), &mut work).await {
                return Some(done);
            }
        }
    }
}

impl fmt::Debug for Errand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("trace", &self.trace)
            .field("not_after", &self.not_after.map(|not_after| not_after()))
            .field("gatekeeper", &self.gatekeeper)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::{Duration, Instant},
    };

    use super::Errand;

    #[tokio::test]
    async fn work_does_not_start_after_the_deadline() {
        let past = Instant::now();
        let errand = Errand {
            gatekeeper: None,
            not_after: Some(&|| past),
            ..Errand::default()
        };
        assert!(errand.is_over());
        assert_eq!(errand.run(async { 1 }).await, None);
    }

    #[tokio::test]
    async fn work_goes_on_when_the_deadline_was_moved_meanwhile() {
        let asked = AtomicUsize::new(0);
        let lease = || {
            let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            let left = if first { 100 } else { 3_600_000 };
            Instant::now() + Duration::from_millis(left)
        };
        let errand = Errand {
            gatekeeper: None,
            not_after: Some(&lease),
            ..Errand::default()
        };
        let work = async {
            while asked.load(Ordering::Relaxed) < 2 {
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(errand.run(work).await, Some(()));
    }
}
