//! Where traces are sent, and which.

use super::{check, load};

#[test]
fn no_trace_is_sent_unless_a_collector_is_named() {
    let observe = load("").observe;
    assert_eq!(observe.otlp_endpoint, None);
    assert!((observe.trace_sample - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_collector_that_cannot_be_spoken_to_is_told() {
    check(
        "[observe]\notlp_endpoint = \"grpc://collector:4317\"",
        "`observe.otlp_endpoint` (`grpc://collector:4317`, from signalbox.toml) is not spoken to over HTTP; begin with `http://` or `https://`, usually with the port 4318",
    );
    check(
        "[observe]\ntrace_sample = 10",
        "`observe.trace_sample` (`10`, from signalbox.toml) is no part of a whole; write a number from 0.0 to 1.0",
    );
}
