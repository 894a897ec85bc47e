//! `signalbox config`: what holds after defaults, file and environment, without secrets; and what can be written.

use std::process::ExitCode;

use super::output;
use crate::cli::{ConfigCommand, Global};

pub(crate) fn run(global: &Global, command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Schema => schema(global),
        ConfigCommand::Show => show(global),
    }
}

/// A file, so it is laid out as one; `--json` asks for one line.
fn schema(global: &Global) -> anyhow::Result<ExitCode> {
    let schema = signalbox_config::schema();
    if global.json {
        output::json(&schema)?;
    } else {
        output::line(&serde_json::to_string_pretty(&schema)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(global: &Global) -> anyhow::Result<ExitCode> {
    let text = global.load()?.redacted_toml();
    if global.json {
        output::json(&serde_json::to_value(text.parse::<toml::Table>()?)?)?;
    } else {
        output::line(text.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
