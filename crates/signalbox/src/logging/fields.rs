//! Fields as people read them: what only tells the collector how to show a span is left out.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::{RecordFields, VisitOutput},
    fmt::{
        FormatFields,
        format::{DefaultVisitor, Writer},
    },
};

/// The beginning of the names that mean something to the collector alone.
const FOR_THE_COLLECTOR: &str = "otel.";

/// The usual format of fields, without those for the collector.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = DefaultVisitor::new(writer, true);
        fields.record(&mut Sorted(&mut visitor));
        visitor.finish()
    }
}

struct Sorted<'a, 'writer>(&'a mut DefaultVisitor<'writer>);

impl Visit for Sorted<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !field.name().starts_with(FOR_THE_COLLECTOR) {
            self.0.record_str(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.0.record_error(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !field.name().starts_with(FOR_THE_COLLECTOR) {
            self.0.record_debug(field, value);
        }
    }
}
