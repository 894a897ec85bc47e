//! Logs: on stderr, as text for people or as JSON for machines.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use signalbox_config::{LogFormat, Observe};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging as the section `[observe]` says.
pub fn start(observe: &Observe) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&observe.log_level).with_context(|| {
        format!(
            "`observe.log_level` is `{}`; write a level such as `info`",
            observe.log_level
        )
    })?;
    let log = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match observe.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
