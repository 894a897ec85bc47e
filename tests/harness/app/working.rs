//! A worker in a runtime of its own, so that it can be ended as a process is.

use signalbox::{assembly::Store, roles};
use signalbox_config::{Config, Queue as Kind};
use signalbox_queue::Pulse;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A running worker.
#[derive(Debug)]
pub(super) struct Working {
    quiet: CancellationToken,
    running: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Working {
    /// A worker for all queues.
    pub(super) fn start(config: Config) -> Self {
        let quiet = CancellationToken::new();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let stop = quiet.clone();
        let running = runtime.spawn(async move {
            let store = Store::open(&config, "").await.expect("redis answers");
            let kinds = [Kind::CatchUp, Kind::Post, Kind::Read, Kind::Renew].into();
            let worked = roles::worker(&config, &store, &kinds, Pulse::default(), stop).await;
            worked.expect("the worker starts");
        });
        Self {
            quiet,
            running: Some(running),
            runtime: Some(runtime),
        }
    }

    /// Ends the worker as SIGTERM does and waits until it has ended.
    pub(super) async fn stop(mut self) {
        self.quiet.cancel();
        if let Some(running) = self.running.take() {
            running.await.expect("the worker does not panic");
        }
    }

    /// Whether it ended although nobody told it to.
    pub(super) fn has_ended(&self) -> bool {
        self.running.as_ref().is_some_and(JoinHandle::is_finished)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
