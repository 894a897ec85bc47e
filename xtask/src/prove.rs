//! Building what a proof plays with, then becoming the proof.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::step::Cargo;

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// What to prove: `main` or `queue`
    name: String,
    /// Only this scenario, for example `soak`
    #[arg(long, value_name = "SCENARIO")]
    only: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Returns only if something could not be built or run.
pub(crate) fn run(cargo: &Cargo, prove: &Prove) -> Result<ExitCode> {
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
    let mut args = vec![prove.name.as_str()];
    args.extend(prove.json.then_some("--json"));
    if let Some(only) = &prove.only {
        args.extend(["--only", only]);
    }
    cargo.say_and_become("build --release --bin prove", run.into_iter().chain(args))
}
