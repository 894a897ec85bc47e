//! The upstream: takes each request, keeps it for a while, and notes both instants.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use signalbox_core::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::super::dice::Dice;
use crate::crew::Request;

/// A request that was answered. Instants are microseconds of the machine's clock.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) request: Request,
    /// When all of it was here.
    pub(super) arrived: i64,
    /// Before the answer was written; the worker kept its place for longer.
    pub(super) answered: i64,
}

/// A server on a socket of its own.
#[derive(Debug)]
pub(super) struct Upstream {
    dir: TempDir,
    served: Arc<Mutex<Vec<Served>>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Upstream {
    pub(super) fn open() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sb").tempdir()?;
        let upstream = Self {
            dir,
            served: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let listener = UnixListener::bind(upstream.path())?;
        let (served, stop, tasks) = (
            upstream.served.clone(),
            upstream.stop.clone(),
            &upstream.tasks,
        );
        let connections = tasks.clone();
        tasks.spawn(stop.run_until_cancelled_owned(async move {
            let mut dice = Dice::new(2);
            while let Ok((stream, _)) = listener.accept().await {
                let takes = Duration::from_millis(dice.between(20, 100));
                connections.spawn(serve(stream, takes, served.clone()));
            }
        }));
        Ok(upstream)
    }

    /// The socket that it listens on.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("upstream.sock")
    }

    /// Ends it and returns what it has answered.
    pub(super) async fn close(self) -> Vec<Served> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        std::mem::take(&mut *self.served.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A worker that was refused leave closes its connection without a request.
async fn serve(mut stream: UnixStream, takes: Duration, served: Arc<Mutex<Vec<Served>>>) {
    let mut line = String::new();
    let read = BufReader::new(&mut stream).read_line(&mut line).await;
    let arrived = now();
    let (Ok(1..), Ok(request)) = (read, serde_json::from_str(&line)) else {
        return;
    };
    tokio::time::sleep(takes).await;
    let one = Served {
        request,
        arrived,
        answered: now(),
    };
    served
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(one);
    // A worker that has gone away tries again, which is one more request.
    drop(stream.write_all(b"ok\n").await);
}

fn now() -> i64 {
    SystemClock.now().as_microsecond()
}
