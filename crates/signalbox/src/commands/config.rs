//! `signalbox config show`: what holds after defaults, file and environment, without secrets.

use std::process::ExitCode;

use super::output;
use crate::cli::{ConfigCommand, Global};

pub(crate) fn run(global: &Global, command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    let ConfigCommand::Show = command;
    let text = global.load()?.redacted_toml();
    if global.json {
        output::json(&serde_json::to_value(text.parse::<toml::Table>()?)?)?;
    } else {
        output::line(text.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
