//! Starting the server: with which settings, and with the lock in its hands.

use std::{path::Path, process::Stdio};

use tokio::process::{Child, Command};

use super::{EmbeddedError, Folder, Lock, Options, memory, program};

/// The settings that never vary. Each is the promise "acknowledged means durable", or keeps others out.
const SETTINGS: [(&str, &str); 13] = [
    ("--port", "0"),
    ("--unixsocketperm", "700"),
    ("--daemonize", "no"),
    ("--supervised", "no"),
    ("--appendonly", "yes"),
    ("--appendfsync", "always"),
    ("--no-appendfsync-on-rewrite", "no"),
    // A torn last write was never acknowledged; everything before it was.
    ("--aof-load-truncated", "yes"),
    ("--save", ""),
    ("--maxmemory-policy", "noeviction"),
    // A failed snapshot says nothing about the append-only file, which is what counts.
    ("--stop-writes-on-bgsave-error", "no"),
    ("--databases", "1"),
    ("--always-show-logo", "no"),
];

/// Starts a server that holds `lock` until it ends, whoever of us is left then.
pub(super) async fn launch(
    folder: &Folder,
    options: &Options,
    lock: Lock,
) -> Result<Child, EmbeddedError> {
    let program = program::find(options.server_path.as_deref(), &options.search_path).await?;
    let memory = match options.memory_bytes {
        Some(bytes) => bytes,
        None => memory::half().await,
    };
    let socket = folder.choose_socket()?;
    let log = folder.open_log()?;
    let errors = log.try_clone().map_err(|source| EmbeddedError::Folder {
        path: folder.log(),
        action: "written",
        source,
    })?;
    command(&program, folder.path(), &socket, memory)
        .stdin(lock.into_stdin())
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(errors))
        .spawn()
        .map_err(|source| EmbeddedError::NotRun {
            path: program,
            source,
        })
    // Here our own copy of the locked file is closed, so that the lock ends with the server and not with us.
}

fn command(program: &Path, folder: &Path, socket: &Path, memory: u64) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    // Our environment holds secrets, and Redis needs none of it.
    command.env_clear();
    // A Ctrl-C at the terminal is for us; Redis is needed until we are done.
    command.process_group(0);
    for (setting, value) in SETTINGS {
        command.arg(setting).arg(value);
    }
    command.arg("--dir").arg(folder);
    command.arg("--pidfile").arg(folder.join("redis.pid"));
    command.arg("--unixsocket").arg(socket);
    command.arg("--maxmemory").arg(memory.to_string());
    command
}
