//! What is counted of requests: by connection, and by the status of the answer or by why there was none.

use std::sync::Arc;

use metrics::counter;

const REQUESTS: &str = "signalbox_upstream_requests_total";

/// Lets the connection be known before its first request.
pub(super) fn begin(connection: &Arc<str>) {
    counter!(REQUESTS, "connection" => connection.clone(), "status" => "200").increment(0);
}

/// One request is over.
pub(super) fn ended(connection: &Arc<str>, status: &str) {
    let status = status.to_owned();
    counter!(REQUESTS, "connection" => connection.clone(), "status" => status).increment(1);
}
