//! Building what a proof plays with, then becoming the proof.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::{previous, step::Cargo};

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// What to prove: `main`, `queue`, `run` or `business-central`
    name: String,
    /// Only this scenario, for example `soak`
    #[arg(long, value_name = "SCENARIO")]
    only: Option<String>,
    /// The commit that this one works side by side with
    #[arg(long, value_name = "COMMIT", default_value = "HEAD~1")]
    previous: String,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Prove {
    fn compares_two_commits(&self) -> bool {
        let only = self.only.as_deref();
        self.name == "queue" && only.is_none_or(|only| only == "side-by-side")
    }

    /// Whether Prometheus is part of it.
    pub(crate) fn watches(&self) -> bool {
        let only = self.only.as_deref();
        self.name == "run" && only.is_none_or(|only| only == "watched")
    }
}

/// Returns only if something could not be built or run.
pub(crate) fn run(cargo: &Cargo, prove: &Prove) -> Result<ExitCode> {
    // First, because both commits are built at the same place, and what is there in the end must be this one.
    let previous = prove
        .compares_two_commits()
        .then(|| previous::build(cargo, &prove.previous))
        .transpose()?;
    let programs = ["--bin", "signalbox", "--bin", "queue-worker"];
    let build = ["build", "--quiet", "--release"];
    if !cargo.step(build.into_iter().chain(programs))? {
        return Ok(ExitCode::FAILURE);
    }
    let run = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "signalbox-tests",
        "--bin",
        "prove",
        "--",
    ];
    let args = arguments(prove, previous.as_ref())?;
    cargo.say_and_become("build --release --bin prove", run.into_iter().chain(args))
}

fn arguments<'a>(prove: &'a Prove, previous: Option<&'a PathBuf>) -> Result<Vec<&'a str>> {
    let mut args = vec![prove.name.as_str()];
    args.extend(prove.json.then_some("--json"));
    if let Some(only) = &prove.only {
        args.extend(["--only", only]);
    }
    if let Some(previous) = previous {
        let path = previous.to_str().context("the target folder is no text")?;
        args.extend(["--previous", path]);
    }
    Ok(args)
}
