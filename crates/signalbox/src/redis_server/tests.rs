//! Against a real `redis-server`, which is killed in every way that happens.

use std::{
    future::{pending, ready},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    time::{Duration, Instant, sleep},
};
use tokio_util::task::TaskTracker;

use super::{
    Embedded, EmbeddedError, Folder, Lock, Options,
    probe::{Answer, ask, ping},
    watch,
};

/// A data folder whose server does not outlive the test.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn folder(&self) -> Folder {
        Folder::existing(&self.dir().join("redis"))
    }

    async fn open(&self) -> Embedded {
        open(self.dir()).await.unwrap()
    }

    fn pid(&self) -> Option<String> {
        self.folder().recorded_pid()
    }

    fn kill(&self) {
        if let Some(pid) = self.pid() {
            Command::new("kill").args(["-9", &pid]).status().unwrap();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if matches!(Lock::try_exclusive(&self.folder().lock()), Ok(None)) {
            self.kill();
        }
    }
}

fn options() -> Options {
    let mut options = Options::new(std::env::var_os("PATH").unwrap_or_default());
    options.memory_bytes = Some(64 << 20);
    options
}

async fn open(dir: &Path) -> Result<Embedded, EmbeddedError> {
    Embedded::open(dir, options()).await
}

async fn write(socket: &Path, key: &str) {
    let answer = ask(socket, &format!("SET {key} 1")).await.unwrap();
    assert_eq!(answer, "+OK\r\n");
}

async fn holds(socket: &Path, key: &str) -> bool {
    let answer = ask(socket, &format!("EXISTS {key}")).await;
    answer.is_ok_and(|answer| answer == ":1\r\n")
}

/// Waits for something that must happen, far longer than it takes.
async fn until<F: Future<Output = bool>>(what: &str, mut happened: impl FnMut() -> F) {
    let start = Instant::now();
    while !happened().await {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_server_keeps_its_folder_private_and_its_writes_on_disk() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(embedded.socket()), 0o700);
    assert_eq!(mode(bench.folder().path()), 0o700);
    let setting = async |name: &str| {
        let question = format!("CONFIG GET {name}");
        let answer = ask(embedded.socket(), &question).await.unwrap();
        answer.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(setting("appendfsync").await, "always");
    assert_eq!(setting("no-appendfsync-on-rewrite").await, "no");
    assert_eq!(setting("maxmemory").await, (64 << 20).to_string());
    assert_eq!(setting("maxmemory-policy").await, "noeviction");
    assert_eq!(setting("port").await, "0");
    assert_eq!(setting("save").await, "");
    assert!(embedded.url().starts_with("unix:///"));
}

#[tokio::test]
async fn a_killed_server_is_started_again_with_its_data() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let socket = embedded.socket().to_owned();
    write(&socket, "kept").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let tracker = TaskTracker::new();
    tracker.spawn(embedded.supervise(async { drop(stopped.await) }));
    for _ in 0..3 {
        let before = bench.pid();
        bench.kill();
        until("a new server", async || {
            bench.pid() != before && holds(&socket, "kept").await
        })
        .await;
    }
    drop(stop);
    tracker.close();
    tracker.wait().await;
}

#[tokio::test]
async fn owners_share_one_server_and_any_of_them_starts_it_again() {
    let bench = Bench::new();
    let first = bench.open().await;
    let second = bench.open().await;
    assert_eq!(first.url(), second.url());
    let pid = bench.pid();
    let socket = first.socket().to_owned();
    write(&socket, "kept").await;
    drop(first);
    assert_eq!(ping(&socket).await, Answer::There);
    assert_eq!(bench.pid(), pid);
    let tracker = TaskTracker::new();
    let supervised = tracker.spawn(second.supervise(pending()));
    bench.kill();
    until("a new server", async || holds(&socket, "kept").await).await;
    assert_ne!(bench.pid(), pid);
    supervised.abort();
}

#[tokio::test]
async fn owners_that_come_at_once_start_one_server() {
    let bench = Bench::new();
    let tracker = TaskTracker::new();
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let dir = bench.dir().to_owned();
            tracker.spawn(async move { open(&dir).await })
        })
        .collect();
    let mut owners = Vec::new();
    for owner in opened {
        owners.push(owner.await.unwrap().unwrap());
    }
    let started = owners.iter().filter(|owner| owner.child.is_some()).count();
    assert_eq!(started, 1);
}

#[tokio::test]
async fn the_lock_ends_with_the_server_and_not_with_its_owner() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let lock = bench.folder().lock();
    drop(embedded);
    assert!(Lock::try_exclusive(&lock).unwrap().is_none());
    bench.kill();
    until("a free lock", async || {
        Lock::try_exclusive(&lock).unwrap().is_some()
    })
    .await;
}

#[tokio::test]
async fn a_torn_last_write_does_not_keep_the_server_from_starting() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    write(embedded.socket(), "kept").await;
    embedded.close().await.unwrap();
    let logs = bench.folder().path().join("appendonlydir");
    let log = logs.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let log = log.filter(|path| path.to_string_lossy().ends_with(".incr.aof"));
    let log: PathBuf = log.max().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$4\r\nto");
    std::fs::write(&log, bytes).unwrap();
    let embedded = bench.open().await;
    assert!(holds(embedded.socket(), "kept").await);
}

#[tokio::test]
async fn the_last_owner_to_close_ends_the_server() {
    let bench = Bench::new();
    let first = bench.open().await;
    let second = bench.open().await;
    let socket = first.socket().to_owned();
    first.close().await.unwrap();
    assert_eq!(ping(&socket).await, Answer::There);
    second.close().await.unwrap();
    assert_eq!(ping(&socket).await, Answer::Nobody);
}

#[tokio::test]
async fn a_server_without_an_owner_ends_and_one_with_an_owner_does_not() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let idle = Duration::from_millis(50);
    let folder = bench.folder().path().to_owned();
    let tracker = TaskTracker::new();
    let watching = tracker.spawn(async move { watch(&folder, idle).await });
    let second = bench.open().await;
    drop(embedded);
    // Several looks of the watcher, none of which finds the folder unowned.
    sleep(idle * 6).await;
    assert_eq!(ping(second.socket()).await, Answer::There);
    let socket = second.socket().to_owned();
    drop(second);
    watching.await.unwrap().unwrap();
    assert_eq!(ping(&socket).await, Answer::Nobody);
    let again = bench.open().await;
    assert_eq!(ping(again.socket()).await, Answer::There);
}

#[tokio::test]
async fn a_folder_has_one_watcher_and_none_without_a_server() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let idle = Duration::from_secs(60);
    let taken = Lock::try_exclusive(&bench.folder().watcher()).unwrap();
    watch(bench.folder().path(), idle).await.unwrap();
    drop(taken);
    embedded.close().await.unwrap();
    watch(bench.folder().path(), idle).await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let bench = Bench::new();
    let deep = bench.dir().join("x".repeat(120));
    let first = open(&deep).await.unwrap();
    assert!(first.socket().as_os_str().len() <= 100);
    let second = open(&deep).await.unwrap();
    assert_eq!(first.socket(), second.socket());
    drop(second);
    let far = first.socket().parent().unwrap().to_owned();
    first.close().await.unwrap();
    std::fs::remove_dir(far).unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_data_folder_is_told_with_a_way_out() {
    let bench = Bench::new();
    let file = bench.dir().join("file");
    std::fs::write(&file, "").unwrap();
    let told = async |dir: &Path| open(dir).await.unwrap_err().to_string();
    assert!(told(&file).await.contains("is not a folder; name another"));
    let inside = told(&file.join("inside")).await;
    assert!(
        inside.contains("cannot be created; check who owns"),
        "{inside}"
    );
    let open_to_all = bench.dir().join("open");
    std::fs::create_dir_all(open_to_all.join("redis")).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(open_to_all.join("redis"), mode).unwrap();
    let told = told(&open_to_all).await;
    assert!(told.contains("(mode 755); run `chmod 700 "), "{told}");
}

#[tokio::test]
async fn a_missing_old_or_strange_server_is_told_with_a_way_out() {
    let bench = Bench::new();
    let said = async |script: Option<&str>| {
        let program = bench.dir().join("redis-server");
        if let Some(script) = script {
            std::fs::write(&program, format!("#!/bin/sh\necho '{script}'\n")).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&program, mode).unwrap();
        }
        let mut options = options();
        options.server_path = Some(program);
        let refused = Embedded::open(bench.dir(), options).await;
        refused.unwrap_err().to_string()
    };
    assert!(said(None).await.contains("cannot be run"));
    let old = said(Some("Redis server v=6.2.7 sha=0")).await;
    assert!(old.contains("is Redis 6.2, and 7.0 or later"), "{old}");
    let strange = said(Some("Valkey server v=8.0.1")).await;
    assert!(
        strange.contains("calls itself `Valkey server v=8.0.1`"),
        "{strange}"
    );
}

#[tokio::test]
async fn a_server_that_gives_up_is_told_with_its_own_words() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    write(embedded.socket(), "kept").await;
    embedded.close().await.unwrap();
    let manifest = bench
        .folder()
        .path()
        .join("appendonlydir/appendonly.aof.manifest");
    std::fs::write(manifest, "nonsense\n").unwrap();
    let error = open(bench.dir()).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::GaveUp { .. }), "{error}");
    assert!(error.to_string().contains("redis.log"), "{error}");
}

#[tokio::test]
async fn supervision_ends_when_it_is_told_to_and_gives_the_share_back() {
    let bench = Bench::new();
    let embedded = bench.open().await;
    let socket = embedded.socket().to_owned();
    let embedded = embedded.supervise(ready(())).await;
    assert_eq!(ping(&socket).await, Answer::There);
    embedded.close().await.unwrap();
}
