//! From a `traceparent` to a span and back.

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Digits of version, trace id, parent id and flags (W3C Trace Context, 3.2).
const PARTS: [usize; 4] = [2, 32, 16, 2];

/// Makes a span that was just made the child of what `traceparent` names. One that is not valid is passed over.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    let Some(parent) = traceparent.and_then(parse) else {
        return;
    };
    // It is refused only where nothing records spans.
    drop(span.set_parent(remote(parent)));
}

/// Notes that `span` also has to do with what `traceparent` names.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(other) = parse(traceparent) {
        span.add_link(other);
    }
}

/// Notes that the job called `job` took what `span` brought, and links to the story that the job was part of, if known.
pub fn absorbed(span: &Span, job: &str, how: &str, story: Option<&str>) {
    let attributes = vec![
        KeyValue::new("job.id", job.to_owned()),
        KeyValue::new("job.taken", how.to_owned()),
    ];
    span.add_event("absorbed", attributes);
    if let Some(story) = story {
        link(span, story);
    }
}

/// The `traceparent` by which others hang on `span`. `None` where nothing records spans.
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    let sampled = u8::from(span.is_sampled());
    let text = || format!("00-{}-{}-{sampled:02x}", span.trace_id(), span.span_id());
    span.is_valid().then(text)
}

/// A context whose span is elsewhere.
pub(crate) fn remote(span: SpanContext) -> Context {
    Context::new().with_remote_span_context(span)
}

/// Reads a `traceparent`. A later version may have more behind the flags, which is passed over.
pub fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let mut take = |length: usize| parts.next().filter(|part| is_hex(part, length));
    let [version, trace, parent, flags] = PARTS.map(&mut take);
    let (version, flags) = (version?, u8::from_str_radix(flags?, 16).ok()?);
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace?).ok()?,
        SpanId::from_hex(parent?).ok()?,
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

fn is_hex(part: &str, length: usize) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    part.len() == length && part.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_parent_is_read() {
        let parent = parse(VALID).unwrap();
        assert!(parent.is_sampled() && parent.is_remote());
        assert_eq!(
            parent.trace_id().to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7");
        assert!(parse(&format!("01{}-more", &VALID[2..])).is_some());
    }

    #[test]
    fn what_is_no_valid_parent_is_passed_over() {
        for text in [
            "",
            "x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
