//! `trace_id` and `span_id` at the end of every log line that belongs to a span.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::trace::TraceContextExt;
use tracing::{Dispatch, Event, Subscriber, dispatcher::WeakDispatch};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{
    Layer,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Knows the ids of spans. It belongs beside the layer of [`Telemetry`](crate::telemetry::Telemetry).
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// Set once, when the subscriber that holds this layer begins.
    dispatch: Arc<OnceLock<WeakDispatch>>,
}

impl<S: Subscriber> Layer<S> for Ids {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // A second subscriber would have ids of its own; there is none.
        drop(self.dispatch.set(dispatch.downgrade()));
    }
}

impl Ids {
    /// The ids of a span as text, if it is a recorded one.
    fn of(&self, span: &tracing::Id) -> Option<(String, String)> {
        let dispatch = self.dispatch.get()?.upgrade()?;
        let context = get_otel_context(span, &dispatch)?;
        let span = context.span();
        let span = span.span_context();
        let ids = || (span.trace_id().to_string(), span.span_id().to_string());
        span.is_valid().then(ids)
    }
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As text for people.
    Text,
    /// As one JSON object.
    Json,
}

/// A format whose lines end with the ids of their span.
#[derive(Debug)]
pub(super) struct WithIds<F> {
    inner: F,
    form: Form,
    ids: Ids,
}

impl<F> WithIds<F> {
    /// `inner` with ids behind it.
    pub(super) fn new(inner: F, form: Form, ids: Ids) -> Self {
        Self { inner, form, ids }
    }

    fn end(&self, mut writer: Writer<'_>, line: &str, trace: &str, span: &str) -> fmt::Result {
        let line = line.trim_end_matches('\n');
        match (self.form, line.strip_suffix('}')) {
            // An object of a log line is never empty: it has its instant.
            (Form::Json, Some(open)) => {
                writeln!(
                    writer,
                    r#"{open},"trace_id":"{trace}","span_id":"{span}"}}"#
                )
            }
            _ => writeln!(writer, "{line} trace_id={trace} span_id={span}"),
        }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut spans = context.event_scope().into_iter().flatten();
        let Some((trace, span)) = spans.find_map(|span| self.ids.of(&span.id())) else {
            return self.inner.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        self.end(writer, &line, &trace, &span)
    }
}
