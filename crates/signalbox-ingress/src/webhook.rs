//! One request from outside as the first span of its signals' trace.

use axum::extract::Request;
use signalbox_core::ConnectionName;
use tracing::{Span, field::Empty};

use crate::{IngressOptions, answer::Answer, router::BUSINESS_CENTRAL};

/// A span for `request`, which continues the trace that the sender names.
///
/// It tells the connection, if there is such a one, and neither the path, whose end belongs to one subscription alone, nor
/// the query.
pub(crate) fn span(options: &IngressOptions, request: &Request) -> Span {
    let method = request.method().as_str();
    let rest = request.uri().path().strip_prefix(BUSINESS_CENTRAL);
    let named = rest.and_then(|rest| rest.split('/').next());
    let known = |name: &&ConnectionName| named == Some(name.as_str());
    let connection = options.business_central.keys().find(known);
    let span = tracing::info_span!(
        "webhook",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = "/hooks/business-central/{connection}/{subscription}",
        http.response.status_code = Empty,
        connection.name = connection.map(ConnectionName::as_str),
    );
    let headers = request.headers();
    let parent = headers.get("traceparent");
    signalbox_trace::adopt(&span, parent.and_then(|value| value.to_str().ok()));
    span
}

/// Notes what the sender is told.
pub(crate) fn answered(span: &Span, answer: &Answer) {
    let status = answer.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
