//! Stopping: the first signal is a request, the second one is an order.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A token that is cancelled by SIGTERM or SIGINT. A second signal ends the process at once with exit code 2.
///
/// The task that listens is nobody's to wait for: it listens for the second signal until the process ends.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
    let tasks = TaskTracker::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            // Stopped for another reason: the process shall not wait for a signal.
            () = told.cancelled() => return,
        }
        tracing::info!("stopping; a second signal stops at once");
        told.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(2);
    });
    Ok(stop)
}
