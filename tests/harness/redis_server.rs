//! A `redis-server` for one test: in a temporary folder, on a Unix socket, ended with the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use signalbox_queue::{Installation, Queue, QueueOptions};
use tempfile::TempDir;

/// A running server.
#[derive(Debug)]
pub struct RedisServer {
    dir: TempDir,
    child: Child,
    settings: Vec<String>,
}

impl RedisServer {
    /// Starts a server that syncs every write, as the product's own does.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more settings, each `--name value`.
    pub fn start_with(settings: &[&str]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("sb")
            .tempdir()
            .expect("a temporary folder");
        let words = settings.iter().flat_map(|setting| setting.split(' '));
        let settings: Vec<String> = words.map(str::to_owned).collect();
        let server = Self {
            child: spawn(&dir, &settings),
            dir,
            settings,
        };
        server.wait_until_ready();
        server
    }

    /// The address for the queue.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// A queue on this server.
    pub async fn queue(&self) -> Queue {
        self.connect(None).await.0
    }

    /// A queue on this server for a process that knows the installation `known`.
    pub async fn connect(&self, known: Option<&str>) -> (Queue, Installation) {
        Queue::connect(self.options(known))
            .await
            .expect("the test's redis answers")
    }

    /// What [`RedisServer::connect`] connects with.
    pub fn options(&self, known: Option<&str>) -> QueueOptions {
        QueueOptions {
            url: self.url(),
            namespace: "test".to_owned(),
            partitions: 1,
            known_installation: known.map(str::to_owned),
            fresh_installation: "installation-1".to_owned(),
            dedupe_window: Duration::from_secs(7 * 86_400),
            payload_keys: signalbox_queue::PayloadKeys::default(),
        }
    }

    /// Ends the server as a power cut would, and starts it again on the same folder.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server has ended");
    }

    /// Starts the server again on the same folder.
    pub fn restart(&mut self) {
        self.child = spawn(&self.dir, &self.settings);
        self.wait_until_ready();
    }

    /// Starts the server again on the same folder, where it takes `delay` for every command that it reads back, and
    /// answers LOADING meanwhile. Returns when it does.
    ///
    /// `key-load-delay` is a setting that Redis has for its own tests of this.
    pub fn restart_slowly(&mut self, delay: Duration) {
        let mut settings = self.settings.clone();
        settings.extend(["--key-load-delay".to_owned(), delay.as_micros().to_string()]);
        self.child = spawn(&self.dir, &settings);
        wait("redis-server does not load", || self.says_that_it_loads());
    }

    /// Whether it answers LOADING.
    pub fn says_that_it_loads(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else {
            return false;
        };
        let mut answer = [0; 16];
        let sent = stream.write_all(b"PING\r\n");
        sent.is_ok() && stream.read(&mut answer).is_ok() && answer.starts_with(b"-LOADING")
    }

    /// Runs one command without arguments that hold spaces, and returns the raw answer.
    pub fn command(&self, line: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("the server listens");
        write!(stream, "{line}\r\n").expect("the server reads");
        let mut answer = vec![0; 64 * 1024];
        let length = stream.read(&mut answer).expect("the server answers");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    /// Runs a Lua script on the server, and returns the text that it answers.
    pub fn script(&self, script: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("the server listens");
        let call = format!(
            "*3\r\n$4\r\nEVAL\r\n${}\r\n{script}\r\n$1\r\n0\r\n",
            script.len()
        );
        stream.write_all(call.as_bytes()).expect("the server reads");
        let mut answer = BufReader::new(stream);
        let mut head = String::new();
        answer.read_line(&mut head).expect("the server answers");
        let length = head.trim().strip_prefix('$').and_then(|n| n.parse().ok());
        let mut text = vec![0; length.unwrap_or_else(|| panic!("the script failed: {head}"))];
        answer.read_exact(&mut text).expect("the whole answer");
        String::from_utf8(text).expect("a text")
    }

    /// Runs one command, and returns what `redis-cli` prints.
    pub fn cli(&self, args: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(args)
            .output()
            .expect("redis-cli comes with redis-server");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether it has not been ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    fn wait_until_ready(&self) {
        wait("redis-server did not come up", || self.is_ready());
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else {
            return false;
        };
        let mut answer = [0; 16];
        stream.write_all(b"PING\r\n").is_ok()
            && stream
                .read(&mut answer)
                .is_ok_and(|length| answer[..length].starts_with(b"+PONG"))
    }
}

/// Waits until `ready`, and fails with `complaint` if that takes too long.
pub(crate) fn wait(complaint: &str, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < deadline, "{complaint}");
        std::thread::yield_now();
    }
}

fn spawn(dir: &TempDir, more: &[String]) -> Child {
    let settings = "--port 0 --unixsocket redis.sock --unixsocketperm 700 --appendonly yes \
         --appendfsync always --no-appendfsync-on-rewrite no --maxmemory 512mb \
         --maxmemory-policy noeviction --save";
    Command::new("redis-server")
        .args(settings.split_whitespace())
        .arg("")
        .arg("--dir")
        .arg(dir.path())
        .args(more)
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed; `cargo xtask test` sees to it")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Ended twice is ended: a test may have killed it already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
