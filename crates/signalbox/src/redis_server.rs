//! The embedded Redis: a `redis-server` of our own in the data folder, shared by every role on this machine.
//!
//! What holds, whoever is killed at whatever moment:
//!
//! - Never two servers on one folder. The server's standard input is the locked file `redis.lock`, and a lock
//!   follows the open file, so it is held exactly as long as the server lives.
//! - An acknowledged write is on disk (`appendfsync always`), and is there again after a restart.
//! - Whoever finds the lock held waits for the server to answer and adopts it; whoever finds it free starts one.
//!   After a death all owners try, and the lock decides.
//! - A server without an owner is ended by a [`watch()`] process that no owner's death takes along.
//!
//! What is left to others: speaking Redis for any purpose but `PING` and `SHUTDOWN`.

mod error;
mod folder;
mod launch;
mod lock;
mod memory;
mod probe;
mod program;
mod watch;

use std::{
    error::Error,
    ffi::OsString,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    pin::pin,
};

use tokio::{
    process::Child,
    time::{Duration, Instant, sleep},
};
use tracing::{error, info, warn};

pub use self::{error::EmbeddedError, watch::watch};
use self::{
    folder::Folder,
    lock::Lock,
    probe::{Answer, ping},
};

/// How long a server that shows no sign of life is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often an adopted server is asked whether it is there.
const PULSE: Duration = Duration::from_millis(500);
/// The first and the longest pause between two looks at a server that is starting.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(250));

/// What an owner can choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `redis-server` to run. Without it one is searched for.
    pub server_path: Option<PathBuf>,
    /// Where programs are searched for, in the form of the variable `PATH`.
    pub search_path: OsString,
    /// The most memory for the data, in bytes. Without it, half of the machine's.
    pub memory_bytes: Option<u64>,
    /// The program to run as `PROGRAM redis-watch FOLDER --idle-ms N`: our own. Without it nobody watches.
    pub watch_program: Option<PathBuf>,
    /// How long the server goes on without an owner.
    pub idle: Duration,
}

impl Options {
    /// The usual choices, with programs searched for in `search_path`.
    pub fn new(search_path: impl Into<OsString>) -> Self {
        Self {
            server_path: None,
            search_path: search_path.into(),
            memory_bytes: None,
            watch_program: None,
            idle: Duration::from_secs(60),
        }
    }
}

/// A share in the Redis of a folder. As long as this is there, the server is not ended.
#[derive(Debug)]
pub struct Embedded {
    folder: Folder,
    options: Options,
    /// Held shared by every owner; the watcher waits for the moment when it can be had alone.
    ownership: Lock,
    /// The server, if it was started here and not adopted.
    child: Option<Child>,
    socket: PathBuf,
}

impl Embedded {
    /// Adopts the server of `data_dir` or starts one, and returns when it answers.
    pub async fn open(data_dir: &Path, options: Options) -> Result<Self, EmbeddedError> {
        let folder = Folder::prepare(data_dir)?;
        let ownership = own(&folder).await?;
        let mut embedded = Self {
            folder,
            options,
            ownership,
            child: None,
            socket: PathBuf::new(),
        };
        // Before the server: if we die in between, the watcher ends by itself, and a server never goes unwatched.
        embedded.ensure_watcher();
        embedded.start_or_adopt().await?;
        Ok(embedded)
    }

    /// The address for a Redis client: `unix://…`.
    pub fn url(&self) -> String {
        let path = url::Url::from_file_path(&self.socket);
        format!("unix://{}", path.as_ref().map_or("", url::Url::path))
    }

    /// The server's socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Starts the server again whenever it dies, until `shutdown`. Another owner may be faster; then it is adopted.
    pub async fn supervise(mut self, shutdown: impl Future<Output = ()>) -> Self {
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return self,
                () = self.until_dead() => warn!("the embedded Redis has ended and is started again"),
            }
            let started = tokio::select! {
                () = &mut shutdown => return self,
                started = self.start_or_adopt() => started,
            };
            match started {
                Ok(()) => info!("the embedded Redis answers again"),
                Err(err) => {
                    error!(error = %chain(&err), "the embedded Redis cannot be started; trying again");
                    sleep(PULSE).await;
                }
            }
        }
    }

    /// Gives the share back and, if it was the last one, ends the server at once.
    pub async fn close(self) -> Result<(), EmbeddedError> {
        drop(self.ownership);
        // The watcher may be looking at this very moment, for much shorter than the pause.
        for _ in 0..3 {
            if let Some(alone) = Lock::try_exclusive(&self.folder.owners())? {
                watch::end_server(&self.folder).await?;
                drop(alone);
                break;
            }
            sleep(PAUSES.0).await;
        }
        Ok(())
    }

    /// Returns when there is no server any more.
    async fn until_dead(&mut self) {
        loop {
            if let Some(child) = &mut self.child {
                tokio::select! {
                    // An error means that there is no such child: gone, too.
                    _ = child.wait() => return,
                    () = sleep(PULSE) => {}
                }
            } else {
                sleep(PULSE).await;
                if ping(&self.socket).await == Answer::Nobody {
                    return;
                }
            }
            self.ensure_watcher();
        }
    }

    /// Returns when a server answers, which is started here if the lock is free.
    async fn start_or_adopt(&mut self) -> Result<(), EmbeddedError> {
        let mut last_sign = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            self.bury_child().await?;
            if let Some(lock) = Lock::try_exclusive(&self.folder.lock())? {
                self.child = Some(launch::launch(&self.folder, &self.options, lock).await?);
                last_sign = Instant::now();
            }
            self.socket = self.folder.recorded_socket();
            match ping(&self.socket).await {
                Answer::There => return Ok(()),
                // Reading its file back may take minutes; it says so, so it is alive.
                Answer::Busy => last_sign = Instant::now(),
                Answer::Silence | Answer::Nobody if last_sign.elapsed() < PATIENCE => {}
                Answer::Silence | Answer::Nobody => {
                    return Err(EmbeddedError::Silent {
                        pid: self.folder.recorded_pid(),
                        log: self.folder.log(),
                        waited: PATIENCE,
                    });
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Forgets a child that is dead. One that gave up by itself will do so again, so its reason is the answer.
    async fn bury_child(&mut self) -> Result<(), EmbeddedError> {
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        let status = match child.try_wait() {
            Ok(None) => return Ok(()),
            Ok(Some(status)) => Some(status),
            Err(_) => None,
        };
        self.child = None;
        match status {
            Some(status) if status.signal().is_none() && !status.success() => {
                Err(self.folder.ended(status).await)
            }
            _ => Ok(()),
        }
    }

    fn ensure_watcher(&self) {
        let Some(program) = &self.options.watch_program else {
            return;
        };
        if let Err(err) = watch::ensure(&self.folder, program, self.options.idle) {
            warn!(error = %chain(&err), "nobody will end the embedded Redis when it is no longer used");
        }
    }
}

/// Takes a share in the folder. Waits while a watcher is looking, or ending the server that was.
async fn own(folder: &Folder) -> Result<Lock, EmbeddedError> {
    let start = Instant::now();
    loop {
        if let Some(lock) = Lock::try_shared(&folder.owners())? {
            return Ok(lock);
        }
        if start.elapsed() > PATIENCE {
            return Err(EmbeddedError::Ending {
                path: folder.owners(),
                waited: PATIENCE,
            });
        }
        sleep(PAUSES.0).await;
    }
}

fn chain(err: &EmbeddedError) -> String {
    match err.source() {
        Some(source) => format!("{err}: {source}"),
        None => err.to_string(),
    }
}

#[cfg(test)]
mod tests;
