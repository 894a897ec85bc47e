//! A way to a Redis that breaks where the test says: at the next script, before, within or behind its request.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use signalbox_queue::QueueOptions;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};
use tokio_util::task::TaskTracker;

use crate::RedisServer;

/// Where the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Redis hears nothing of it.
    BeforeTheRequest,
    /// Redis hears the first half of it.
    WithinTheRequest,
    /// Redis has done it, and nobody learns what it answered.
    BeforeTheAnswer,
}

impl Cut {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::BeforeTheRequest,
        Self::WithinTheRequest,
        Self::BeforeTheAnswer,
    ];
}

/// The way. It leads on as long as it is there.
#[derive(Debug)]
pub struct Cutter {
    dir: TempDir,
    next: Armed,
    options: QueueOptions,
    /// Ends with the runtime.
    _ways: TaskTracker,
}

/// Where to break, and how many scripts are passed over before.
type Armed = Arc<Mutex<Option<(Cut, usize)>>>;

impl Cutter {
    /// A way to `redis`.
    pub fn open(redis: &RedisServer) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let listener = UnixListener::bind(socket(&dir)).expect("a socket in it");
        let (next, ways) = (Armed::default(), TaskTracker::new());
        let (armed, server, connections) = (next.clone(), redis.socket(), ways.clone());
        ways.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (armed, server) = (armed.clone(), server.clone());
                connections.spawn(async move { lead(client, server, armed).await });
            }
        });
        Self {
            next,
            options: redis.options(None),
            _ways: ways,
            dir,
        }
    }

    /// What a queue connects with that goes this way.
    pub fn options(&self) -> QueueOptions {
        QueueOptions {
            url: format!("unix://{}", socket(&self.dir).display()),
            ..self.options.clone()
        }
    }

    /// Breaks the connection at a script, after `passed_over` others.
    pub fn cut(&self, cut: Cut, passed_over: usize) {
        *lock(&self.next) = Some((cut, passed_over));
    }

    /// Whether the script has not come yet.
    pub fn waits(&self) -> bool {
        lock(&self.next).is_some()
    }
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("way.sock")
}

fn lock(armed: &Armed) -> std::sync::MutexGuard<'_, Option<(Cut, usize)>> {
    armed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leads one connection until one side closes it or it is cut; whatever ends it closes both sides.
async fn lead(mut client: UnixStream, server: PathBuf, armed: Armed) -> std::io::Result<()> {
    let mut server = UnixStream::connect(server).await?;
    let (mut asked, mut answered) = (vec![0; 256 * 1024], vec![0; 256 * 1024]);
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let request = &asked[..length?];
                if request.is_empty() {
                    return Ok(());
                }
                let next = if is_script(request) { *lock(&armed) } else { None };
                let sent = match next {
                    Some((Cut::BeforeTheRequest, 0)) => 0,
                    Some((Cut::WithinTheRequest, 0)) => request.len() / 2,
                    _ => request.len(),
                };
                server.write_all(&request[..sent]).await?;
                let Some((cut, passed_over)) = next else { continue };
                let length = if sent == request.len() { server.read(&mut answered).await? } else { 0 };
                let answer = &answered[..length];
                // A script that had to be loaded first was not run: it comes again.
                if answer.starts_with(b"-NOSCRIPT") {
                    client.write_all(answer).await?;
                    continue;
                }
                *lock(&armed) = passed_over.checked_sub(1).map(|left| (cut, left));
                if passed_over == 0 {
                    return Ok(());
                }
                client.write_all(answer).await?;
            }
            length = server.read(&mut answered) => match length? {
                0 => return Ok(()),
                length => client.write_all(&answered[..length]).await?,
            },
        }
    }
}

fn is_script(request: &[u8]) -> bool {
    request.windows(7).any(|word| word == b"EVALSHA")
}
