//! The table of statuses, and what each variant promises.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::answer;
use crate::http::{Reply, error::Error, exchange::Exchange};

fn reply(status: u16, code: Option<&str>) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, "30".parse().unwrap());
    Reply {
        exchange: Exchange {
            method: Method::POST,
            host: "host".to_owned(),
            path: "/path".to_owned(),
            status: Some(StatusCode::from_u16(status).unwrap().as_u16()),
            code: code.map(str::to_owned),
            message: None,
            request_id: Uuid::nil(),
            upstream_request_id: None,
        },
        headers,
        body: Bytes::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn variant(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '{']).next().unwrap().to_owned()
}

fn check(status: u16, expected: &str, transient: bool, nothing_done: bool) {
    let error = answer(reply(status, None)).unwrap_err();
    assert_eq!(variant(&error), expected, "{status}");
    assert_eq!(error.is_transient(), transient, "{status} transient");
    assert_eq!(
        error.proves_nothing_was_done(),
        nothing_done,
        "{status} proof"
    );
    assert!(!error.next_step().is_empty(), "{status} next step");
}

#[test]
fn every_status_has_a_meaning() {
    check(302, "Rejected", false, false);
    check(400, "Rejected", false, true);
    check(401, "Unauthorized", false, true);
    check(403, "Forbidden", false, true);
    check(404, "NotFound", false, true);
    check(405, "Rejected", false, true);
    check(408, "Unavailable", true, false);
    check(409, "Conflict", true, true);
    check(410, "NotFound", false, true);
    check(412, "Conflict", true, true);
    check(413, "TooLarge", false, true);
    check(415, "Rejected", false, true);
    check(429, "Throttled", true, true);
    check(500, "Unavailable", true, false);
    check(503, "Unavailable", true, false);
    check(599, "Unavailable", true, false);
}

#[test]
fn every_success_is_an_answer() {
    for status in [200, 201, 202, 204] {
        assert!(answer(reply(status, None)).is_ok(), "{status}");
    }
}

#[test]
fn retry_after_is_an_instant_on_those_who_may_be_asked_again() {
    let expected = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(30);
    for (status, instant) in [(429, Some(expected)), (503, Some(expected)), (400, None)] {
        let error = answer(reply(status, None)).unwrap_err();
        assert_eq!(error.retry_after(), instant, "{status}");
    }
}

#[test]
fn a_code_decides_what_a_person_is_told() {
    let step = |status, code| answer(reply(status, code)).unwrap_err().next_step();
    assert!(step(403, Some("BotNotInConversationRoster")).contains("install"));
    assert_ne!(step(403, Some("BotDisabledByAdmin")), step(403, None));
    assert!(step(404, Some("NoEnvironment")).contains("environment"));
}

#[test]
fn a_fault_of_the_connection_is_told_from_a_fault_of_the_job() {
    let fault = |status, code| {
        let error = answer(reply(status, code)).unwrap_err();
        error.is_connection_fault()
    };
    assert!(fault(401, None) && fault(403, None) && fault(404, Some("NoEnvironment")));
    assert!(!fault(404, Some("ConversationNotFound")) && !fault(400, None) && !fault(503, None));
}
