//! The public hooks over real HTTP.

mod faults;
mod handshake;
mod notifications;

use std::time::Duration;

use harness::Hook;
use signalbox_core::JobId;
use signalbox_queue::JobState;

/// Long enough for a Redis that is there.
const PATIENT: Duration = Duration::from_secs(8);

/// How many jobs of `queue` wait.
async fn ready(hook: &Hook, queue: &str) -> i64 {
    let depth = hook.queue.depth().await.unwrap();
    let key = (queue.to_owned(), JobState::Ready);
    depth.get(&key).copied().unwrap_or_default()
}

async fn has_read(hook: &Hook, record: &str) -> bool {
    let connection = signalbox_core::ConnectionName::new("erp").unwrap();
    let id = JobId::business_central(
        &connection,
        "Production",
        harness::COMPANY,
        "purchaseInvoices",
        record,
    );
    let root = Hook::lanes().top().clone();
    hook.queue.job(&root, &id).await.unwrap().is_some()
}
