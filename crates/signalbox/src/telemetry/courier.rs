//! Spans on their way to the collector: a bounded queue, and one task that empties it.
//!
//! Whoever ends a span never waits. What finds the queue full is dropped and counted.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    collector::Collector,
    losses::{Losses, Teller},
};

/// Spans that wait at most. At one or two kilobytes each this bounds what a collector that hangs can cost.
const MOST_WAITING: usize = 8192;
/// Spans in one request.
const BATCH: usize = 512;
/// The spans of one signal end within moments; one request is to take them all.
const GATHER: Duration = Duration::from_secs(1);

/// The end of the queue where spans come in.
#[derive(Debug)]
pub(crate) struct Courier {
    spans: mpsc::Sender<SpanData>,
    losses: Losses,
}

/// The end of the queue where spans are taken out.
#[derive(Debug)]
pub(crate) struct Rounds {
    spans: mpsc::Receiver<SpanData>,
    losses: Losses,
}

/// A queue.
pub(crate) fn courier() -> (Courier, Rounds) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let losses = Losses::default();
    let courier = Courier {
        spans: sender,
        losses: losses.clone(),
    };
    let rounds = Rounds {
        spans: receiver,
        losses,
    };
    (courier, rounds)
}

impl SpanProcessor for Courier {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.losses.add(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Rounds {
    /// Takes spans to the collector until `stop`, then what is left.
    pub(crate) async fn make(mut self, collector: Collector, stop: CancellationToken) {
        let mut teller = Teller::new(self.losses.clone());
        loop {
            let mut batch = Vec::new();
            if stop.is_cancelled() {
                self.spans.close();
            }
            let first = tokio::select! {
                first = self.spans.recv_many(&mut batch, BATCH) => first,
                () = stop.cancelled(), if !stop.is_cancelled() => continue,
            };
            if first == 0 {
                break;
            }
            self.gather(&mut batch, &stop).await;
            let spans = batch.len();
            if let Err(error) = collector.take(batch).await {
                self.losses.add(spans);
                teller.because(chain(&error));
            }
            teller.tell();
        }
        teller.tell();
    }

    /// Waits for more until the batch is full or old enough.
    async fn gather(&mut self, batch: &mut Vec<SpanData>, stop: &CancellationToken) {
        let end = Instant::now() + GATHER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            let came = tokio::select! {
                came = self.spans.recv_many(batch, room) => came,
                () = tokio::time::sleep_until(end) => return,
                () = stop.cancelled() => return,
            };
            if came == 0 {
                return;
            }
        }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
