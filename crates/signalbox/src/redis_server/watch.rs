//! Ending a server that nobody uses any more.
//!
//! The watcher is a process of its own, because an owner that is killed can end nothing.
//! It waits for the moment when it can have the owners' lock alone, which is when no owner is left.
//! While it ends the server it keeps that lock, so that nobody adopts a server that is about to go.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::{EmbeddedError, Folder, Lock, probe};

/// How often the watcher looks.
const LOOK: Duration = Duration::from_secs(1);
/// How often a server that was asked to end is looked for.
const ENDING: Duration = Duration::from_millis(20);
/// How long a server may take to end before it is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the server of `folder` once it has had no owner for `idle`, and returns when there is no server.
///
/// Returns at once if another watcher is there already. `folder` is the one that holds the server's files.
pub async fn watch(folder: &Path, idle: Duration) -> Result<(), EmbeddedError> {
    let folder = Folder::existing(folder);
    let Some(only) = only_watcher(&folder).await? else {
        return Ok(());
    };
    let mut unowned_since = None;
    loop {
        if let Some(alone) = Lock::try_exclusive(&folder.owners())? {
            let since = *unowned_since.get_or_insert_with(Instant::now);
            let gone = !is_running(&folder)?;
            if !gone && since.elapsed() >= idle {
                end_server(&folder).await?;
            } else if !gone {
                drop(alone);
                sleep(LOOK.min(idle)).await;
                continue;
            }
            // In this order: whoever becomes an owner after us must find the watcher's place free.
            drop(only);
            drop(alone);
            return Ok(());
        }
        unowned_since = None;
        sleep(LOOK.min(idle)).await;
    }
}

/// Starts a watcher for `folder` unless there is one.
pub(super) fn ensure(folder: &Folder, program: &Path, idle: Duration) -> Result<(), EmbeddedError> {
    let Some(free) = Lock::try_exclusive(&folder.watcher())? else {
        return Ok(());
    };
    drop(free);
    spawn(folder, program, idle).map_err(|source| EmbeddedError::NotRun {
        path: program.to_owned(),
        source,
    })
}

/// Asks the server to end until it has. For whoever has the owners' lock alone.
pub(super) async fn end_server(folder: &Folder) -> Result<(), EmbeddedError> {
    while is_running(folder)? {
        // It answers by closing the connection, or not at all if it is gone already; the lock tells which.
        probe::ask(&folder.recorded_socket(), "SHUTDOWN NOSAVE")
            .await
            .ok();
        let asked = Instant::now();
        while is_running(folder)? && asked.elapsed() < PATIENCE {
            sleep(ENDING).await;
        }
    }
    Ok(())
}

/// A running server holds its lock.
fn is_running(folder: &Folder) -> Result<bool, EmbeddedError> {
    Ok(Lock::try_exclusive(&folder.lock())?.is_none())
}

/// The watcher's place, unless somebody has it for longer than a look takes.
async fn only_watcher(folder: &Folder) -> Result<Option<Lock>, EmbeddedError> {
    let start = Instant::now();
    loop {
        match Lock::try_exclusive(&folder.watcher())? {
            Some(lock) => return Ok(Some(lock)),
            None if start.elapsed() > LOOK => return Ok(None),
            None => sleep(ENDING).await,
        }
    }
}

fn spawn(folder: &Folder, program: &Path, idle: Duration) -> io::Result<()> {
    let idle = idle.as_millis().to_string();
    Command::new(program)
        .arg("redis-watch")
        .arg(folder.path())
        .args(["--idle-ms", &idle])
        .current_dir(folder.path())
        .env_clear()
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        // The runtime buries it when it ends; until then it is nobody's.
        .map(drop)
}
