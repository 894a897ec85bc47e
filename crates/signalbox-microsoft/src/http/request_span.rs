//! One request as a span: who was asked, on behalf of which connection, and how it ended.
//!
//! Neither the path nor the query is told, because some services take their secrets there; nor what an answer says.

use ::http::StatusCode;
use tracing::{Span, field::Empty};

use super::{call::Call, exchange};

/// A span for `call`, below the present one. Upstreams hang their own spans on it.
pub(super) fn of(call: &Call<'_>, connection: &str) -> Span {
    let host = exchange::host(&call.url);
    tracing::info_span!(
        "request",
        otel.name = format_args!("{} {host}", call.method),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = call.method.as_str(),
        server.address = host,
        connection.name = connection,
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

/// Notes the answer's status, or a word for why there is none.
pub(super) fn ended(span: &Span, status: Result<StatusCode, &'static str>) {
    match status {
        Ok(status) => {
            span.record("http.response.status_code", status.as_u16());
            if status.is_success() {
                return;
            }
        }
        Err(word) => {
            span.record("error.type", word);
        }
    }
    span.record("otel.status_code", "ERROR");
}
