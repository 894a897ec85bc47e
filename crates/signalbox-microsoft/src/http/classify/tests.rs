//! The table of statuses, and what each variant promises.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::answer;
use crate::http::{
    Reply,
    error::Error,
    exchange::{Defect, Exchange},
    outage::Outage,
};

fn reply(status: u16, code: Option<&str>) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, "30".parse().unwrap());
    Reply {
        exchange: Exchange {
            method: Method::GET,
            host: "host".to_owned(),
            path: "/path".to_owned(),
            status: Some(StatusCode::from_u16(status).unwrap().as_u16()),
            code: code.map(str::to_owned),
            message: None,
            request_id: Uuid::nil(),
            upstream_request_id: None,
        },
        headers,
        body: Bytes::from_static(b"{}"),
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

#[test]
fn a_code_that_speaks_of_the_whole_connection_does_so_with_any_status() {
    for status in [400, 401, 404] {
        for code in [
            "Authentication_InvalidCredentials",
            "Internal_CompanyNotFound",
            "NoEnvironment",
        ] {
            let error = answer(reply(status, Some(code))).unwrap_err();
            assert!(error.is_connection_fault(), "{status} {code}");
        }
    }
}

#[test]
fn a_400_that_asks_to_try_later_is_transient_and_another_is_not() {
    let message = r#"{"error":{"code":"Unknown","message":"Busy. Please Try Again Later.  CorrelationId:  7fbe0bac-b30b-4c26-aa52-653622f9cce2."}}"#;
    let busy = Reply {
        body: Bytes::from_static(message.as_bytes()),
        ..reply(400, Some("Unknown"))
    };
    let error = answer(busy).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(error.is_transient() && error.proves_nothing_was_done());
    assert_eq!(error.outage(), None);
    check(400, "Rejected", false, true);
}

#[test]
fn a_listing_that_changed_under_us_is_begun_again() {
    for status in [400, 404, 410] {
        let error = answer(reply(status, Some("SkipTokenIsNoLongerValid"))).unwrap_err();
        assert!(matches!(error, Error::Expired { .. }), "{error}");
        assert!(error.is_transient() && error.proves_nothing_was_done());
    }
}

#[test]
fn a_changed_entity_and_any_other_conflict_are_tried_again() {
    for code in [Some("Request_EntityChanged"), Some("Unknown"), None] {
        let error = answer(reply(409, code)).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert!(error.is_transient() && error.outage().is_none());
    }
}

#[test]
fn what_took_too_long_or_was_too_much_asks_for_less() {
    let asks = |status| answer(reply(status, None)).unwrap_err().asks_to_split();
    assert!(asks(408) && asks(413) && asks(504));
    assert!(!asks(400) && !asks(429) && !asks(500) && !asks(503));
}

#[test]
fn a_page_or_nothing_in_place_of_what_was_asked_for_makes_no_sense() {
    let with = |status, body: &'static [u8]| Reply {
        body: Bytes::from_static(body),
        ..reply(status, None)
    };
    let page = answer(with(200, b"<!DOCTYPE html><html>maintenance</html>")).unwrap_err();
    assert!(
        matches!(
            page,
            Error::Garbled {
                source: Defect::Page,
                ..
            }
        ),
        "{page}"
    );
    let empty = answer(with(200, b"")).unwrap_err();
    assert!(
        matches!(
            empty,
            Error::Garbled {
                source: Defect::Empty,
                ..
            }
        ),
        "{empty}"
    );
    for error in [page, empty] {
        assert_eq!(error.outage(), Some(Outage::General));
        assert!(!error.proves_nothing_was_done());
    }
    assert!(answer(with(204, b"")).is_ok());
}

#[test]
fn an_outage_is_told_by_how_far_it_can_be_believed() {
    let outage = |status, code| answer(reply(status, code)).unwrap_err().outage();
    for status in [404, 500, 503] {
        let announced = outage(status, Some("Internal_TenantUnavailable"));
        assert_eq!(announced, Some(Outage::Announced), "{status}");
    }
    for (status, expected) in [
        (500, Some(Outage::Particular)),
        (502, Some(Outage::General)),
        (503, Some(Outage::General)),
        (504, Some(Outage::Particular)),
        (401, None),
        (404, None),
        (408, None),
        (429, None),
    ] {
        assert_eq!(outage(status, None), expected, "{status}");
    }
}
