//! What a log line looks like.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use signalbox_config::{Config, Environment, LogFormat};
use signalbox_trace::{adopt, traceparent_of};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::subscriber;
use crate::telemetry::Telemetry;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged within a span of a job and outside of it, and the span's own id.
fn logged(format: LogFormat, level: &str) -> (Vec<String>, String) {
    let mut config = Config::from_toml("", &Environment::default()).unwrap();
    config.observe.log_format = format;
    level.clone_into(&mut config.observe.log_level);
    let telemetry = Telemetry::start(&config, "test").unwrap();
    let written = Written::default();
    let writer = written.clone();
    let writer = BoxMakeWriter::new(move || writer.clone());
    let subscriber = subscriber(&config.observe, &telemetry, false, writer).unwrap();
    let id = tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("job", otel.name = "read", job.id = "a/b");
        adopt(&span, Some(PARENT));
        span.in_scope(|| tracing::warn!(why = "x", "inside"));
        tracing::warn!("outside");
        traceparent_of(&span).unwrap()[36..52].to_owned()
    });
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    (text.lines().map(str::to_owned).collect(), id)
}

#[test]
fn a_line_for_people_names_the_job_and_ends_with_its_ids() {
    for level in ["info", "warn"] {
        let (lines, id) = logged(LogFormat::Text, level);
        let end = format!(
            "WARN job{{job.id=\"a/b\"}}: inside why=\"x\" trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id={id}"
        );
        assert!(lines[0].ends_with(&end), "{lines:?}");
        assert!(lines[1].ends_with("WARN outside"), "{lines:?}");
    }
}

#[test]
fn a_line_for_machines_is_one_object_with_the_ids() {
    let (lines, id) = logged(LogFormat::Json, "warn");
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["message"], "inside");
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(line["span_id"], id);
    assert_eq!(line["span"]["job.id"], "a/b");
    let line: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(line.get("trace_id"), None);
}
