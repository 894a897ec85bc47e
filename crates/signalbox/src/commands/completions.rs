//! `signalbox completions`: a script with which a shell completes commands, options and the values they take.

use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::output;
use crate::cli::{Cli, Global};

/// What people type.
const NAME: &str = "signalbox";

pub(crate) fn run(global: &Global, shell: Shell) -> anyhow::Result<ExitCode> {
    let mut command = shown(&Cli::command());
    // Into memory first: the generator panics where a pipe is closed early.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut script);
    let script = String::from_utf8(script)?;
    if global.json {
        output::json(&json!({ "shell": shell.to_string(), "script": script }))?;
    } else {
        output::line(script.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The command line without the commands that processes give to each other, which nobody should come upon by Tab.
fn shown(cli: &Command) -> Command {
    let subcommands = cli.get_subcommands().filter(|one| !one.is_hide_set());
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .args(cli.get_arguments())
        .subcommands(subcommands)
}
