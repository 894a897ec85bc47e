//! Genuine notifications at a pace of our choice, and what was answered to each.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;
use signalbox_sim::DEFAULT_COMPANY_ID;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::fleet::Subscribed;

/// A sender that keeps its connections alive, as Business Central does.
#[derive(Debug)]
pub(super) struct Notifier {
    shared: Arc<Shared>,
    senders: TaskTracker,
    started: Instant,
}

#[derive(Debug)]
struct Shared {
    hook: Subscribed,
    client: reqwest::Client,
    stop: CancellationToken,
    acknowledged: Mutex<Vec<Uuid>>,
    refused: AtomicU64,
}

impl Notifier {
    /// Sends notifications, each of a record of its own, over `connections`, each at a pace of one per `period`.
    pub(super) fn start(hook: Subscribed, connections: u32, period: Duration) -> Self {
        let shared = Arc::new(Shared {
            hook,
            client: crate::client(),
            stop: CancellationToken::new(),
            acknowledged: Mutex::default(),
            refused: AtomicU64::new(0),
        });
        let started = Instant::now();
        let senders = TaskTracker::new();
        for number in 0..connections {
            // Spread over the period, so that they do not all send at the same instant.
            let first = started + period * number / connections;
            senders.spawn(shared.clone().send_until_stopped(first, period));
        }
        senders.close();
        Self {
            shared,
            senders,
            started,
        }
    }

    /// How many were answered 200 so far, and the last of them.
    pub(super) fn acknowledged(&self) -> (usize, Option<Uuid>) {
        let acknowledged = self.shared.acknowledged();
        (acknowledged.len(), acknowledged.last().copied())
    }

    /// Stops and returns what became of it all.
    pub(super) async fn stop(self) -> Sent {
        self.shared.stop.cancel();
        self.senders.wait().await;
        let acknowledged = std::mem::take(&mut *self.shared.acknowledged());
        Sent {
            acknowledged,
            refused: self.shared.refused.load(Ordering::Relaxed),
            lasted: self.started.elapsed(),
        }
    }
}

/// What became of the notifications.
#[derive(Debug)]
pub(super) struct Sent {
    /// The records of those that were answered 200.
    pub(super) acknowledged: Vec<Uuid>,
    /// How many were answered with anything else but 503.
    pub(super) refused: u64,
    /// How long they were sent.
    pub(super) lasted: Duration,
}

impl Shared {
    async fn send_until_stopped(self: Arc<Self>, first: Instant, period: Duration) {
        let mut ticks = interval_at(first, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.send().await;
        }
    }

    async fn send(&self) {
        let record = Uuid::new_v4();
        let body = notification(&self.hook, record);
        let request = self.client.post(&self.hook.url);
        let request = request.header("content-type", "application/json");
        // No answer is no promise: what was sent may have arrived or not.
        let Ok(answer) = request.body(body).send().await else {
            return;
        };
        match answer.status().as_u16() {
            200 => self.acknowledged().push(record),
            503 => {}
            _ => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn acknowledged(&self) -> std::sync::MutexGuard<'_, Vec<Uuid>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn notification(hook: &Subscribed, record: Uuid) -> String {
    let element = json!({
        "subscriptionId": hook.id,
        "clientState": hook.client_state,
        "expirationDateTime": "2099-01-01T00:00:00Z",
        "resource": format!("api/v2.0/companies({DEFAULT_COMPANY_ID})/purchaseInvoices({record})"),
        "changeType": "updated",
        "lastModifiedDateTime": Timestamp::UNIX_EPOCH.to_string(),
    });
    json!({ "value": [element] }).to_string()
}
