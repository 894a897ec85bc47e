//! The Redis that all contestants share: a child of ours on a port of its own, empty between two measurements.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use redis::{FromRedisValue, aio::MultiplexedConnection};
use serde::Serialize;
use tempfile::TempDir;

/// How long the server may take to come up.
const START: Duration = Duration::from_secs(20);

/// When Redis syncs its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aof {
    /// There is no log.
    No,
    /// Once a second.
    Everysec,
    /// Before every answer to a write.
    Always,
}

impl Aof {
    pub(crate) const ALL: [Self; 3] = [Self::No, Self::Everysec, Self::Always];

    /// The word on the command line and in the JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Everysec => "everysec",
            Self::Always => "always",
        }
    }

    fn settings(self) -> Vec<&'static str> {
        match self {
            Self::No => vec!["--appendonly", "no"],
            kept => vec!["--appendonly", "yes", "--appendfsync", kept.word()],
        }
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    aof: Aof,
    child: Child,
    connection: MultiplexedConnection,
    _dir: TempDir,
}

impl Server {
    pub(crate) async fn start(aof: Aof) -> Result<Self> {
        Self::start_with(aof, &[]).await
    }

    /// A server that can be a node of a cluster, and the port of its bus.
    pub(crate) async fn start_node(aof: Aof) -> Result<(Self, u16)> {
        let bus = free_port()?;
        let port = bus.to_string();
        let settings = ["--cluster-enabled", "yes", "--cluster-port", &port];
        Ok((Self::start_with(aof, &settings).await?, bus))
    }

    async fn start_with(aof: Aof, settings: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("bench").tempdir()?;
        let port = free_port()?;
        let child = spawn(port, aof, settings, &dir)?;
        let connection = connect(port).await?;
        Ok(Self {
            port,
            aof,
            child,
            connection,
            _dir: dir,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Forgets everything, the log included: nobody pays for what another one wrote.
    pub(crate) async fn empty(&self) -> Result<()> {
        let mut connection = self.connection.clone();
        let () = redis::cmd("FLUSHALL")
            .arg("SYNC")
            .query_async(&mut connection)
            .await?;
        if self.aof != Aof::No {
            let () = redis::cmd("BGREWRITEAOF")
                .query_async(&mut connection)
                .await?;
            while self.figure("aof_rewrite_in_progress").await? + self.scheduled().await? > 0.0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    async fn scheduled(&self) -> Result<f64> {
        self.figure("aof_rewrite_scheduled").await
    }

    /// Returns once Redis is done with growing the table of its keys, which it does bit by bit with other work.
    pub(crate) async fn at_rest(&self) -> Result<()> {
        loop {
            let tables: String = self.ask(&["DEBUG", "HTSTATS", "0"]).await?;
            if !tables.contains("rehashing target") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Seconds of processor time that Redis has used, its threads included.
    pub(crate) async fn cpu(&self) -> Result<f64> {
        Ok(self.figure("used_cpu_user").await? + self.figure("used_cpu_sys").await?)
    }

    /// Bytes that hold data, without what is only on its way to a client or to the log.
    pub(crate) async fn memory(&self) -> Result<f64> {
        let passing =
            self.figure("mem_clients_normal").await? + self.figure("mem_aof_buffer").await?;
        Ok(self.figure("used_memory").await? - passing)
    }

    /// What the server answers to a command.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        let answer = command.query_async(&mut self.connection.clone()).await;
        answer.with_context(|| format!("`{}` failed", words.join(" ")))
    }

    /// The version, for the report.
    pub(crate) async fn version(&self) -> Result<String> {
        let info = self.info().await?;
        let version = find(&info, "redis_version").context("INFO names no version")?;
        Ok(version.to_owned())
    }

    async fn figure(&self, name: &str) -> Result<f64> {
        let info = self.info().await?;
        let text = find(&info, name).with_context(|| format!("INFO has no `{name}`"))?;
        text.parse()
            .with_context(|| format!("`{name}` is `{text}`"))
    }

    async fn info(&self) -> Result<String> {
        Ok(redis::cmd("INFO")
            .query_async(&mut self.connection.clone())
            .await?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whether it was gone already makes no difference.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn find<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

/// TCP and not a Unix socket, because all peers can do that.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn spawn(port: u16, aof: Aof, settings: &[&str], dir: &TempDir) -> Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", ""])
        .args(["--port", &port.to_string()])
        // A rewrite in the middle would be charged to whoever happens to be measured.
        .args(["--auto-aof-rewrite-percentage", "0"])
        .args(["--maxmemory-policy", "noeviction"])
        .args(["--enable-debug-command", "local"])
        .args(aof.settings())
        .args(settings)
        .arg("--dir")
        .arg(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`redis-server` cannot be started; is it on the PATH?")
}

async fn connect(port: u16) -> Result<MultiplexedConnection> {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let client = redis::Client::open(url(port))?;
    let tried = tokio::time::timeout(START, async {
        loop {
            match client
                .get_multiplexed_async_connection_with_config(&config)
                .await
            {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    let connection = tried.await;
    ensure!(connection.is_ok(), "redis-server did not come up");
    Ok(connection?)
}
