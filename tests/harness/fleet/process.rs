//! The real program as child processes, which end with their handles.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use super::folder;

/// A running `signalbox`. Dropping it kills it.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Runs `signalbox ARGS` in `dir`; what it logs goes to `log` there.
    pub fn start(dir: &Path, log: &str, args: &[&str]) -> Result<Self> {
        Self::of(&program("signalbox")?, dir, log, args)
    }

    /// [`Process::start`] of the `signalbox` at `program`, which may be another build.
    pub fn of(program: &Path, dir: &Path, log: &str, args: &[&str]) -> Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join(log))?;
        let child = command(program, dir, args)
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .context("`signalbox` cannot be run")?;
        Ok(Self(child))
    }

    /// Ends it as a power cut would, and returns when it has ended.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.0.kill().await?)
    }

    /// Asks it to end and waits until it has. An exit code other than 0 is an error.
    pub async fn stop(mut self) -> Result<()> {
        let pid = self.0.id().context("it has ended already")?;
        folder::signal("TERM", &[pid]);
        let status = self.0.wait().await?;
        if !status.success() {
            bail!("after SIGTERM the process ended with {status}");
        }
        Ok(())
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it logged or complained about.
    pub stderr: String,
}

/// Runs `signalbox ARGS` to its end.
pub async fn run(dir: &Path, args: &[&str]) -> Result<Ended> {
    let output = command(&program("signalbox")?, dir, args).output().await?;
    Ok(Ended::of(&output))
}

/// Runs `signalbox ARGS` to its end with `input` on its standard input.
pub async fn tell(dir: &Path, args: &[&str], input: &str) -> Result<Ended> {
    let mut child = command(&program("signalbox")?, dir, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("it reads from a pipe")?;
    // One that ends before it has read everything has said why.
    stdin.write_all(input.as_bytes()).await.ok();
    drop(stdin);
    Ok(Ended::of(&child.wait_with_output().await?))
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// Runs `signalbox ARGS` to its end and returns its exit code with the JSON that it printed.
pub async fn ask(dir: &Path, args: &[&str]) -> Result<(i32, Value)> {
    let ended = run(dir, args).await?;
    let answer = serde_json::from_str(ended.stdout.trim())
        .with_context(|| format!("`signalbox {}` printed no JSON: {ended:?}", args.join(" ")));
    Ok((ended.code, answer?))
}

fn command(program: &Path, dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).kill_on_drop(true);
    command.stdin(Stdio::null());
    command
}

/// The program called `name` that was built beside the one that is running: a test lies one folder deeper.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|path| path.is_file()).with_context(|| {
        format!(
            "there is no `{name}` near {}; `cargo build --bin {name}` makes it",
            own.display()
        )
    })
}
