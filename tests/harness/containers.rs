//! docker-compose.yml as a user runs it, under a project name and on ports of its own.
//!
//! Whatever becomes of a test, its containers, networks and volumes are removed with its stack.

use std::{
    path::Path,
    process::{Command as Blocking, Output, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::{fleet::free_port, until::until};

/// How long a look at the simulator may take.
const LOOK: Duration = Duration::from_secs(5);
/// Steps of business per second.
const RATE: u32 = 40;
/// Removes all that a project has made, its data included.
const DOWN: [&str; 5] = ["down", "--volumes", "--remove-orphans", "--timeout", "30"];

/// A Compose that can be run here, with what it takes to run its containers.
#[derive(Debug, Clone)]
pub struct Compose(&'static [&'static str]);

impl Compose {
    /// Compose v1 or v2, or why there is none.
    pub async fn find() -> std::result::Result<Self, String> {
        for words in [&["docker-compose"][..], &["docker", "compose"]] {
            let compose = Self(words);
            let asked = compose.command(&["version"]).output().await;
            if asked.is_ok_and(|output| output.status.success()) {
                return Ok(compose);
            }
        }
        Err("there is neither `docker-compose` nor `docker compose`".to_owned())
    }

    /// [`Compose::find`] where a Docker engine answers as well.
    pub async fn with_engine() -> std::result::Result<Self, String> {
        let compose = Self::find().await?;
        match docker(&["version", "--format", "{{.Server.Version}}"]).await {
            Ok(_) => Ok(compose),
            Err(error) => Err(format!("no Docker engine answers: {error:#}")),
        }
    }

    /// What is in force of docker-compose.yml, with these profiles: its text after all that is merged and filled in.
    pub async fn config(&self, profiles: &[&str]) -> Result<String> {
        let profiles = profiles.iter().flat_map(|profile| ["--profile", profile]);
        let args: Vec<&str> = profiles.chain(["config"]).collect();
        told(&self.command(&args).output().await?, "config")
    }

    fn command(&self, args: &[&str]) -> Command {
        let (program, first) = self.0.split_first().expect("there is at least one word");
        let mut command = Command::new(program);
        command.args(first).args(args).current_dir(root());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// The containers of one project, with the demo. Dropping it removes all that there is of them.
#[derive(Debug)]
pub struct Stack {
    compose: Compose,
    tag: String,
    project: String,
    simulator: u16,
    variables: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

impl Stack {
    /// A project of the image `signalbox:TAG`; nothing runs yet.
    pub fn new(compose: Compose, tag: &str) -> Result<Self> {
        let simulator = free_port();
        let variables = vec![
            ("SIGNALBOX_TAG", tag.to_owned()),
            ("SIGNALBOX_PORT", free_port().to_string()),
            ("SIMULATOR_PORT", simulator.to_string()),
            ("REDIS_MAXMEMORY", "256mb".to_owned()),
            // A file `.env` is for people.
            (
                "SIGNALBOX_CONFIG",
                "./deploy/compose/signalbox.toml".to_owned(),
            ),
            (
                "SIGNALBOX_ENV_FILE",
                "./deploy/compose/signalbox.env".to_owned(),
            ),
            ("DEMO_RATE", RATE.to_string()),
        ];
        Ok(Self {
            compose,
            tag: tag.to_owned(),
            project: format!("signalbox-{tag}-{}", std::process::id()),
            simulator,
            variables,
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(LOOK)
                .build()?,
        })
    }

    /// The tag of its image.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Builds the image as docker-compose.yml says. What the builder tells goes to stderr.
    pub async fn build(&self) -> Result<()> {
        let mut build = self.command(&["build", "worker"]);
        build.stdout(Stdio::from(std::io::stderr()));
        let status = build.status().await?;
        anyhow::ensure!(
            status.success(),
            "the image cannot be built; the builder said why"
        );
        Ok(())
    }

    /// Runs everything, with so many workers. What runs already is left alone.
    pub async fn up(&self, workers: usize) -> Result<()> {
        let scale = format!("worker={workers}");
        let args = [
            "up",
            "-d",
            "--no-build",
            "--no-recreate",
            "--scale",
            &scale,
            "redis",
            "ingress",
            "worker",
            "simulator",
        ];
        self.run(&args).await.map(drop)
    }

    /// Runs one command of Compose to its end.
    pub async fn run(&self, args: &[&str]) -> Result<String> {
        told(&self.command(args).output().await?, &args.join(" "))
    }

    /// The containers of a service that run now.
    pub async fn running(&self, service: &str) -> Result<Vec<String>> {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let service = format!("label=com.docker.compose.service={service}");
        let filters = ["--filter", &project, "--filter", &service];
        let ids = docker(&[&["ps", "--quiet"][..], &filters].concat()).await?;
        Ok(ids.lines().map(str::to_owned).collect())
    }

    /// Runs `signalbox COMMAND --json` in a worker and returns what it printed.
    pub async fn ask(&self, command: &str) -> Result<Value> {
        let workers = self.running("worker").await?;
        let worker = workers.first().context("no worker runs")?;
        let mut asked = Command::new("docker");
        asked.args(["exec", worker, "signalbox"]);
        asked.args(command.split_whitespace()).arg("--json");
        // What needs a person ends a command with 1, and its answer is there all the same.
        let output = asked.stdin(Stdio::null()).output().await?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            format!("`signalbox {command}` printed no JSON: {errors}")
        })
    }

    /// What the simulator says of itself, for example `verdict`.
    pub async fn simulator(&self, what: &str) -> Result<Value> {
        let url = format!("http://127.0.0.1:{}/_sim/v1/{what}", self.simulator);
        let answer = self.http.get(url).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// Lets the simulator do something.
    pub async fn verb(&self, verb: &str, body: &Value) -> Result<Value> {
        let url = format!("http://127.0.0.1:{}/_sim/v1/verbs/{verb}", self.simulator);
        let answer = self.http.post(url).json(body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// [`until`](crate::until()) that tells in its error what the containers logged last.
    pub async fn until(&self, what: &str, happened: impl AsyncFnMut() -> bool) -> Result<()> {
        let Err(error) = until(what, happened).await else {
            return Ok(());
        };
        let logs = self.run(&["logs", "--no-color", "--tail", "15"]).await;
        Err(error.context(logs.unwrap_or_else(|error| format!("{error:#}"))))
    }

    /// Ends and removes everything, and checks that nothing is left.
    pub async fn down(self) -> Result<()> {
        self.run(&DOWN).await?;
        let project = format!("label=com.docker.compose.project={}", self.project);
        for kind in [&["ps", "--all"][..], &["volume", "ls"], &["network", "ls"]] {
            let left = docker(&[kind, &["--quiet", "--filter", &project]].concat()).await?;
            anyhow::ensure!(
                left.trim().is_empty(),
                "`down` left {} behind: {left}",
                kind[0]
            );
        }
        Ok(())
    }

    fn command(&self, args: &[&str]) -> Command {
        let before = ["--project-name", &self.project, "--profile", "demo"];
        let mut command = self.compose.command(&[&before[..], args].concat());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let mut command: Blocking = self.command(&DOWN).into_std();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // What is gone already is gone.
        drop(command.status());
    }
}

/// Runs one command of the engine to its end.
pub async fn docker(args: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    let output = command.args(args).stdin(Stdio::null()).output().await?;
    told(&output, &args.join(" "))
}

fn told(output: &Output, what: &str) -> Result<String> {
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{what}` ended with {}: {}", output.status, errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where docker-compose.yml is.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the workspace")
}
