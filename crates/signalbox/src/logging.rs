//! Logs: on stderr, as text for people or as JSON for machines.
//!
//! A line that belongs to a job or to a request ends with the ids of its trace, whether or not traces are sent.

mod fields;
mod ids;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use signalbox_config::{LogFormat, Observe};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{self, format::JsonFields, writer::BoxMakeWriter},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use self::{
    fields::PlainFields,
    ids::{Form, Ids, WithIds},
};
use crate::telemetry::{Telemetry, is_ours};

/// Starts logging as the section `[observe]` says, and brings the spans of `telemetry` into it.
pub fn start(observe: &Observe, telemetry: &Telemetry) -> anyhow::Result<()> {
    let ansi = std::io::stderr().is_terminal();
    let writer = BoxMakeWriter::new(std::io::stderr);
    subscriber(observe, telemetry, ansi, writer)?
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}

fn subscriber(
    observe: &Observe,
    telemetry: &Telemetry,
    ansi: bool,
    writer: BoxMakeWriter,
) -> anyhow::Result<impl Subscriber + Send + Sync + use<>> {
    let filter = EnvFilter::try_new(&observe.log_level).with_context(|| {
        format!(
            "`observe.log_level` is `{}`; write a level such as `info`",
            observe.log_level
        )
    })?;
    // Whatever the level, a line says which job it is about.
    let spans = filter_fn(|metadata| metadata.is_span() && is_ours(metadata));
    let spans = spans.with_max_level_hint(LevelFilter::INFO);
    let ids = Ids::default();
    let lines = lines(observe.log_format, ansi, writer, ids.clone());
    Ok(tracing_subscriber::registry()
        .with(telemetry.layer())
        .with(ids)
        .with(lines.with_filter(filter.or(spans))))
}

fn lines<S>(
    format: LogFormat,
    ansi: bool,
    writer: BoxMakeWriter,
    ids: Ids,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(ansi);
    match format {
        LogFormat::Text => {
            let text = fmt::format().with_target(false).with_ansi(ansi);
            lines
                .fmt_fields(PlainFields)
                .event_format(WithIds::new(text, Form::Text, ids))
                .boxed()
        }
        LogFormat::Json => {
            let json = fmt::format().json().flatten_event(true);
            lines
                .fmt_fields(JsonFields::new())
                .event_format(WithIds::new(json, Form::Json, ids))
                .boxed()
        }
    }
}

#[cfg(test)]
mod tests;
