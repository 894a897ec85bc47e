//! Which traces are sent: a part of the signals, each of them whole.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// Decides by the trace's id where a trace comes in or begins, and by that decision in all that follows.
///
/// Whoever calls us from outside may say which trace a signal belongs to, not whether it is recorded here: a caller
/// that records nothing would silence us, and one that records all would fill our collector.
#[derive(Debug, Clone)]
pub(crate) struct AtTheDoor {
    ratio: Sampler,
}

impl AtTheDoor {
    pub(crate) fn new(ratio: f64) -> Self {
        Self {
            ratio: Sampler::TraceIdRatioBased(ratio),
        }
    }

    fn by(&self, parent: Option<&Context>, kind: &SpanKind) -> Sampler {
        let decided = parent
            .map(|context| context.span().span_context().clone())
            .filter(|parent| parent.is_valid() && *kind != SpanKind::Server);
        match decided {
            Some(parent) if parent.is_sampled() => Sampler::AlwaysOn,
            Some(_) => Sampler::AlwaysOff,
            None => self.ratio.clone(),
        }
    }
}

impl ShouldSample for AtTheDoor {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = self.by(parent, kind);
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        Context,
        trace::{SpanKind, TraceContextExt, TraceId},
    };
    use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};

    use super::AtTheDoor;

    fn check(ratio: f64, flags: Option<&str>, kind: &SpanKind, expected: bool) {
        let parent = flags.map(|flags| {
            let text = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
            Context::new().with_remote_span_context(signalbox_trace::parse(&text).unwrap())
        });
        let trace = TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
        let sampler = AtTheDoor::new(ratio);
        let result = sampler.should_sample(parent.as_ref(), trace, "", kind, &[], &[]);
        let found = result.decision == SamplingDecision::RecordAndSample;
        assert_eq!(found, expected, "{ratio} {flags:?} {kind:?}");
    }

    #[test]
    fn what_was_decided_at_the_door_holds_for_all_that_follows() {
        check(0.0, Some("01"), &SpanKind::Consumer, true);
        check(1.0, Some("00"), &SpanKind::Consumer, false);
        check(1.0, None, &SpanKind::Consumer, true);
        check(0.0, None, &SpanKind::Consumer, false);
    }

    #[test]
    fn a_caller_from_outside_does_not_decide_what_is_recorded_here() {
        check(1.0, Some("00"), &SpanKind::Server, true);
        check(0.0, Some("01"), &SpanKind::Server, false);
    }
}
