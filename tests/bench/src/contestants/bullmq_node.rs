//! BullMQ on Node.js, where there is a Node.js: installed at run time into a temporary folder, driven by lines of JSON.

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use futures::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    contestant::{Contestant, Play, Played},
    say,
};

const DRIVER: &str = include_str!("bullmq_node.cjs");
/// BullMQ finds the client it uses by itself, if it is there.
const PACKAGES: [&str; 2] = ["bullmq@6", "ioredis@5"];
/// How long npm may take.
const INSTALL: std::time::Duration = std::time::Duration::from_secs(180);

/// BullMQ in a folder.
pub(crate) struct Install {
    dir: TempDir,
}

/// A Node.js process with BullMQ in it.
pub(crate) struct BullmqNode {
    _process: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// One struct for both, because numbers do not survive an untagged enum while `serde_json` keeps their digits.
#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    played: Option<Played>,
}

impl Install {
    /// Installs BullMQ, or says why it is left out.
    pub(crate) async fn run() -> Option<Self> {
        match install().await {
            Ok(dir) => Some(Self { dir }),
            Err(error) => {
                say(&format!("BullMQ on Node.js is left out: {error:#}"));
                None
            }
        }
    }

    /// Starts a process for the Redis at `port`.
    pub(crate) fn start(&self, port: u16) -> Result<BullmqNode> {
        let mut process = Command::new("node")
            .args(["driver.cjs", &port.to_string()])
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("`node` cannot be started")?;
        let asked = process.stdin.take().context("node has no stdin")?;
        let answers = process.stdout.take().context("node has no stdout")?;
        Ok(BullmqNode {
            _process: process,
            asked,
            answers: BufReader::new(answers).lines(),
        })
    }
}

async fn install() -> Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("bullmq").tempdir()?;
    std::fs::write(dir.path().join("package.json"), r#"{"private":true}"#)?;
    std::fs::write(dir.path().join("driver.cjs"), DRIVER)?;
    let npm = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--silent"])
        .args(PACKAGES)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = tokio::time::timeout(INSTALL, npm)
        .await
        .context("`npm install` takes too long")?
        .context("there is no `npm`")?;
    ensure!(
        status.success(),
        "`npm install {}` failed",
        PACKAGES.join(" ")
    );
    Ok(dir)
}

impl Contestant for BullmqNode {
    fn name(&self) -> &'static str {
        "bullmq-node"
    }

    fn play<'a>(&'a mut self, play: &'a Play) -> BoxFuture<'a, Result<Played>> {
        async move {
            let line = serde_json::to_string(play)? + "\n";
            self.asked.write_all(line.as_bytes()).await?;
            let answer = self.answers.next_line().await?.context("node has ended")?;
            let answer: Answer = serde_json::from_str(&answer)?;
            match answer.error {
                Some(error) => bail!(error),
                None => answer.played.context("node said nothing of what it played"),
            }
        }
        .boxed()
    }
}
