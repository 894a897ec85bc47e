//! Why there is no embedded Redis, and what to do about it.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why there is no embedded Redis.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Something else is where the folder should be.
    #[error("`{0}` is not a folder; name another one in `data.dir`, or move what is there away")]
    NotAFolder(PathBuf),
    /// The folder, or a file in it, cannot be used.
    #[error(
        "`{path}` cannot be {action}; check who owns it and that its disk is not full, or name another folder in `data.dir`"
    )]
    Folder {
        /// What could not be used.
        path: PathBuf,
        /// What was tried: `created`, `locked`, `written`.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others could read jobs or take the server over.
    #[error("`{path}` is open to other users (mode {mode:03o}); run `chmod 700 {path}`", mode = .mode & 0o777)]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is no server to run.
    #[error(
        "`redis-server` was not found; install Redis 7.0 or later (`apt-get install redis-server`, `brew install redis`), set `redis.server_path`, or name a running Redis in `redis.url`"
    )]
    Missing,
    /// The program is something else.
    #[error(
        "`{path}` is not a Redis server (it calls itself `{said}`); set `redis.server_path` to one, or name a running Redis in `redis.url`"
    )]
    NotRedis {
        /// The program.
        path: PathBuf,
        /// The first line that it prints about its version.
        said: String,
    },
    /// The server is too old.
    #[error(
        "`{path}` is Redis {version}, and 7.0 or later is needed; install a newer one, or set `redis.server_path` to one"
    )]
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A program could not be started.
    #[error("`{path}` cannot be run; check that it exists and may be executed")]
    NotRun {
        /// The program.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server gave up by itself.
    #[error("the embedded Redis gave up ({status}): {said}; the whole story is in `{log}`")]
    GaveUp {
        /// How it ended.
        status: ExitStatus,
        /// The last line of its log.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// Somebody holds the lock, and nobody answers.
    #[error(
        "the embedded Redis (process {}) runs and has not answered for {} s; look into `{log}`, and end that process if it hangs",
        .pid.as_deref().unwrap_or("unknown"), .waited.as_secs()
    )]
    Silent {
        /// The server's process id, as it wrote it down.
        pid: Option<String>,
        /// Its log.
        log: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A watcher has been ending the server for too long.
    #[error("the embedded Redis has been ending for {} s; look for a `redis-watch` process that holds `{path}`", .waited.as_secs())]
    Ending {
        /// The file that it holds.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
}
