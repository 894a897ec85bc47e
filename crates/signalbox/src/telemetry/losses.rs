//! What was not sent is counted, and told now and then: a collector that is down for a day is no reason for a warning
//! with every trace.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Between two warnings.
const SILENCE: Duration = Duration::from_secs(60);

/// Spans that were dropped and not told yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Losses(Arc<AtomicU64>);

impl Losses {
    pub(crate) fn add(&self, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.0.fetch_add(spans, Ordering::Relaxed);
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Whoever tells of losses.
#[derive(Debug)]
pub(crate) struct Teller {
    losses: Losses,
    told: Option<Instant>,
    cause: Option<String>,
}

impl Teller {
    pub(crate) fn new(losses: Losses) -> Self {
        Self {
            losses,
            told: None,
            cause: None,
        }
    }

    /// Why the last spans were lost.
    pub(crate) fn because(&mut self, cause: String) {
        self.cause = Some(cause);
    }

    /// How many were lost since it was last told, and why, if it is time to tell.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(u64, String)> {
        let silent = self.told.is_some_and(|told| now - told < SILENCE);
        if silent {
            return None;
        }
        let lost = self.losses.take();
        if lost == 0 {
            return None;
        }
        self.told = Some(now);
        let cause = self.cause.take();
        let usual = || "more came than could be sent".to_owned();
        Some((lost, cause.unwrap_or_else(usual)))
    }

    /// Warns of what was lost, if it is time to.
    pub(crate) fn tell(&mut self) {
        if let Some((lost, cause)) = self.due(Instant::now()) {
            tracing::warn!(
                spans.count = lost,
                cause,
                "traces were dropped and jobs go on without them; see whether the collector at `observe.otlp_endpoint` \
                 runs and takes OTLP over HTTP"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{Losses, SILENCE, Teller};

    #[test]
    fn losses_are_summed_up_and_told_at_most_once_a_minute() {
        let losses = Losses::default();
        let mut teller = Teller::new(losses.clone());
        let begin = Instant::now();
        assert_eq!(teller.due(begin), None);
        losses.add(3);
        teller.because("it is away".to_owned());
        assert_eq!(teller.due(begin), Some((3, "it is away".to_owned())));
        losses.add(4);
        losses.add(5);
        assert_eq!(teller.due(begin + SILENCE / 2), None);
        let later = teller.due(begin + SILENCE);
        assert_eq!(later, Some((9, "more came than could be sent".to_owned())));
        assert_eq!(teller.due(begin + SILENCE * 2), None);
    }
}
