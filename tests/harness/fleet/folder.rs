//! Which processes work in a folder, and ending them. Everything of a fleet works in the fleet's own folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The processes whose working folder is `dir` or lies in it.
pub(super) fn processes(dir: &Path) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| link(*pid, "cwd").is_some_and(|cwd| cwd.starts_with(dir)))
        .collect()
}

/// The Redis servers that work in `dir`, without the forks with which a server rewrites its file.
pub(crate) fn servers(dir: &Path) -> Vec<u32> {
    let all: Vec<u32> = processes(dir)
        .into_iter()
        .filter(|pid| is_server(*pid))
        .collect();
    let is_fork = |pid: &u32| parent(*pid).is_some_and(|parent| all.contains(&parent));
    all.iter().copied().filter(|pid| !is_fork(pid)).collect()
}

/// Sends a signal, for example `KILL`, to processes, some of which may be gone.
pub(super) fn signal(name: &str, pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    // The shell's own `kill` is there even where no program of that name is installed.
    let script = format!("kill -{name} {}", pids.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stderr(Stdio::null());
    // That some were gone is what it reports, and no failure.
    drop(shell.status());
}

/// A process that is ending has closed its files before it leaves its folder, and is no server any more.
fn is_server(pid: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim() == "redis-server" && link(pid, "fd/0").is_some()
}

fn link(pid: u32, name: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/{name}")).ok()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come the state and the parent.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
