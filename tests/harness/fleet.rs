//! A whole installation as real processes on a folder and ports of its own, against a simulator in this process.
//!
//! Whatever becomes of a test, nothing outlives its fleet: neither a role, nor the embedded Redis and its watcher,
//! nor the folder.

mod folder;
mod port;
mod process;
mod setting;
mod settling;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use signalbox_queue::{Queue, QueueOptions};
use signalbox_sim::{NewInvoice, SimConfig, SimHandle, Simulator};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

pub(crate) use self::folder::servers;
pub use self::{
    port::{free_address, free_port},
    process::{Ended, Process, ask, program, run, tell},
    setting::Setting,
};
use crate::{RedisServer, until::until};

/// An installation. Its processes are started and kept by the test.
#[derive(Debug)]
pub struct Fleet {
    /// The simulated cloud.
    pub sim: SimHandle,
    /// Where the ingress listens.
    pub ingress: SocketAddr,
    /// The address of a Redis that is not the embedded one.
    redis: Option<String>,
    dir: TempDir,
}

/// A subscription as the source knows it.
#[derive(Debug, Clone)]
pub struct Subscribed {
    /// The source's id for it.
    pub id: String,
    /// Where notifications are posted.
    pub url: String,
    /// What proves that they are genuine.
    pub client_state: String,
}

impl Fleet {
    /// A cloud and a configuration; nothing of ours runs yet.
    pub async fn prepare(setting: Setting) -> Result<Self> {
        Self::with_redis(setting, None).await
    }

    /// [`Fleet::prepare`] on a Redis that is there already, instead of the embedded one.
    pub async fn prepare_on(setting: Setting, redis: &RedisServer) -> Result<Self> {
        Self::with_redis(setting, Some(redis.url())).await
    }

    /// [`Fleet::prepare`] of another cloud, with a configuration that `config` writes for it: it is told of the cloud,
    /// of the folder of the installation, and of where the ingress listens.
    pub(crate) async fn prepare_as(
        cloud: SimConfig,
        config: impl FnOnce(&SimHandle, &Path, SocketAddr) -> String,
    ) -> Result<Self> {
        Self::with_config(cloud, config, None).await
    }

    async fn with_redis(setting: Setting, redis: Option<String>) -> Result<Self> {
        let config = |sim: &SimHandle, dir: &Path, ingress| setting.config(sim, dir, ingress);
        Self::with_config(setting.cloud(), config, redis).await
    }

    async fn with_config(
        cloud: SimConfig,
        config: impl FnOnce(&SimHandle, &Path, SocketAddr) -> String,
        redis: Option<String>,
    ) -> Result<Self> {
        let sim = Simulator::start(cloud).await?;
        let dir = tempfile::Builder::new().prefix("sb").tempdir()?;
        let ingress = port::free_address();
        let mut config = config(&sim, dir.path(), ingress);
        if let Some(url) = &redis {
            config = config.replace("[redis]\n", &format!("[redis]\nurl = \"{url}\"\n"));
        }
        fs::write(dir.path().join("signalbox.toml"), config)?;
        Ok(Self {
            sim,
            ingress,
            redis,
            dir,
        })
    }

    /// Changes the configuration, for what is started from now on.
    pub fn rewrite(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let path = self.dir.path().join("signalbox.toml");
        let text = fs::read_to_string(&path)?;
        Ok(fs::write(path, change(text))?)
    }

    /// The folder of the installation, which its processes run in.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// What a role has logged so far.
    pub fn log(&self, role: &str) -> String {
        let path = self.dir.path().join(format!("{role}.log"));
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Gives a setting of a section another value, for what is started from now on.
    pub fn set(&self, section: &str, key: &str, value: &str) -> Result<()> {
        let head = format!("[{section}]\n");
        let set = format!("{key} =");
        self.rewrite(|text| {
            let (before, rest) = text.split_once(&head).unwrap_or((&text, ""));
            let (lines, after) = rest.split_at(rest.find("\n[").unwrap_or(rest.len()));
            let lines = lines.lines().filter(|line| !line.starts_with(&set));
            let lines: Vec<&str> = lines.collect();
            format!("{before}{head}{set} {value}\n{}\n{after}", lines.join("\n"))
        })
    }

    /// Starts a role: `ingress`, `worker` or `all`.
    pub fn start(&self, role: &str) -> Result<Process> {
        Process::start(self.dir.path(), &format!("{role}.log"), &[role])
    }

    /// [`Fleet::start`] of a role that can be asked how it is: returns where it serves `/metrics`, `/livez` and `/readyz`.
    ///
    /// What an `all` receives by itself comes to nobody: the cloud knows the ingress of the fleet.
    pub fn start_observed(&self, role: &str) -> Result<(Process, SocketAddr)> {
        let address = port::free_address();
        let mut config = fs::read_to_string(self.dir.path().join("signalbox.toml"))?;
        let observe = "[observe]\nbind = \"127.0.0.1:0\"";
        config = config.replace(observe, &format!("[observe]\nbind = \"{address}\""));
        if role == "all" {
            let bind = format!("[ingress]\nbind = \"{}\"", self.ingress);
            config = config.replace(&bind, "[ingress]\nbind = \"127.0.0.1:0\"");
        }
        let name = format!("{role}-{}.toml", address.port());
        fs::write(self.dir.path().join(&name), config)?;
        let args = ["--config", &name, role];
        let process = Process::start(self.dir.path(), &format!("{role}.log"), &args)?;
        Ok((process, address))
    }

    /// Starts a role with the `signalbox` at `program`.
    pub fn start_of(&self, program: &Path, role: &str) -> Result<Process> {
        Process::of(program, self.dir.path(), &format!("{role}.log"), &[role])
    }

    /// Runs a command such as `dead list` and returns its exit code and its JSON.
    pub async fn ask(&self, command: &str) -> Result<(i32, Value)> {
        let args: Vec<&str> = command.split_whitespace().chain(["--json"]).collect();
        ask(self.dir.path(), &args).await
    }

    /// Runs a command with `input` on its standard input.
    pub async fn tell(&self, args: &[&str], input: &str) -> Result<Ended> {
        tell(self.dir.path(), args, input).await
    }

    /// Changes the configuration for the processes that start from now on.
    pub fn configure(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let path = self.path("signalbox.toml");
        let text = change(fs::read_to_string(&path)?);
        Ok(fs::write(path, text)?)
    }

    /// Where `name` is, or would be, in the folder that the processes run in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns when the ingress takes connections, every route announces, and the source knows our subscription.
    pub async fn ready(&self) -> Result<()> {
        self.until("the ingress listens", async || self.listens().await)
            .await?;
        self.until("all routes are active", async || {
            matches!(self.ask("routes list").await, Ok((0, _)))
        })
        .await?;
        self.until("the source has a subscription", async || {
            !self.sim.subscriptions().is_empty()
        })
        .await
    }

    /// Whether the ingress takes connections.
    pub async fn listens(&self) -> bool {
        TcpStream::connect(self.ingress).await.is_ok()
    }

    /// The newest subscription of the source.
    pub fn subscribed(&self) -> Result<Subscribed> {
        let created = |one: &Value| one["systemCreatedAt"].to_string();
        let newest = self.sim.subscriptions().into_iter().max_by_key(created);
        let newest = newest.context("the source has no subscription")?;
        let text = |name: &str| newest[name].as_str().unwrap_or_default().to_owned();
        Ok(Subscribed {
            id: text("subscriptionId"),
            url: text("notificationUrl"),
            client_state: text("clientState"),
        })
    }

    /// A connection to the queue, which must be there already.
    pub async fn queue(&self) -> Result<Queue> {
        let installation = fs::read_to_string(self.dir.path().join("data/installation"))?;
        let options = QueueOptions {
            url: match &self.redis {
                Some(url) => url.clone(),
                None => format!("unix://{}", self.redis_socket().display()),
            },
            namespace: "signalbox".to_owned(),
            partitions: 1,
            known_installation: Some(installation.trim().to_owned()),
            fresh_installation: installation.trim().to_owned(),
            dedupe_window: Duration::from_secs(7 * 86_400),
            payload_keys: signalbox_queue::PayloadKeys::default(),
        };
        Ok(Queue::connect(options).await?.0)
    }

    /// Runs one command without arguments that hold spaces on the embedded Redis.
    pub async fn redis(&self, command: &str) -> Result<String> {
        let mut stream = UnixStream::connect(self.redis_socket()).await?;
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await?;
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    /// Ends the embedded Redis as a power cut would. False if it was not there.
    pub fn kill_redis(&self) -> bool {
        let servers = self.servers();
        folder::signal("KILL", &servers);
        !servers.is_empty()
    }

    /// The process ids of the Redis servers on this installation's folder.
    pub fn servers(&self) -> Vec<u32> {
        folder::servers(&self.redis_folder())
    }

    /// The folder of the embedded Redis.
    pub fn redis_folder(&self) -> PathBuf {
        self.dir.path().join("data/redis")
    }

    /// [`until`](crate::until()) that tells in its error what the processes logged last.
    pub async fn until(&self, what: &str, happened: impl AsyncFnMut() -> bool) -> Result<()> {
        let waited = until(what, happened).await;
        waited.with_context(|| self.last_words())
    }

    /// Checks that every file of the installation was given up: all processes have ended.
    pub async fn is_abandoned(&self) -> Result<()> {
        self.until("all processes have ended", async || {
            folder::processes(self.dir.path()).is_empty()
        })
        .await
    }

    fn redis_socket(&self) -> PathBuf {
        self.redis_folder().join("redis.sock")
    }

    fn last_words(&self) -> String {
        let entries = fs::read_dir(self.dir.path()).into_iter().flatten();
        let paths = entries.flatten().map(|entry| entry.path());
        let logs = paths.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| tail(&path)).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let start = Instant::now();
        // More than once, because a role that is just ending may still have started a Redis.
        loop {
            let left = folder::processes(self.dir.path());
            if left.is_empty() || start.elapsed() > Duration::from_secs(10) {
                return;
            }
            folder::signal("KILL", &left);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(15)..];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}:\n{}\n", last.join("\n"))
}

/// A new invoice that the route of this purchaser announces.
pub(crate) fn for_purchaser(code: &str) -> NewInvoice {
    NewInvoice {
        purchaser: Some(code.to_owned()),
        ..NewInvoice::default()
    }
}
