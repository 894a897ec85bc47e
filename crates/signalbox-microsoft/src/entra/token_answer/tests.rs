//! What each answer of the token endpoint means.

use http::{HeaderMap, Method, header};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::read;
use crate::{
    entra::error::EntraError,
    http::{Reply, exchange::Exchange},
};

fn reply(status: u16, body: &str) -> Reply {
    let mut headers = HeaderMap::new();
    if status == 429 {
        headers.insert(header::RETRY_AFTER, "60".parse().unwrap());
    }
    Reply {
        exchange: Exchange {
            method: Method::POST,
            host: "login.example".to_owned(),
            path: "/t/oauth2/v2.0/token".to_owned(),
            status: Some(status),
            code: None,
            message: None,
            request_id: Uuid::nil(),
            upstream_request_id: None,
        },
        headers,
        body: body.to_owned().into(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn refused(status: u16, body: &str) -> EntraError {
    read(&reply(status, body), Timestamp::UNIX_EPOCH).unwrap_err()
}

#[test]
fn a_grant_ends_when_its_life_is_over_and_does_not_show_itself() {
    let body = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"ey.secret"}"#;
    let grant = read(&reply(200, body), Timestamp::UNIX_EPOCH).unwrap();
    let life = grant.asked_at.duration_until(grant.ends_at);
    assert_eq!(life, SignedDuration::from_secs(3599));
    assert!(!format!("{grant:?}").contains("secret"));
}

#[test]
fn a_wrong_secret_is_the_configurations_fault_and_has_a_hint() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215],"trace_id":"t1"}"#;
    let error = refused(401, body);
    assert!(matches!(
        &error,
        EntraError::Configuration {
            aadsts: Some(7_000_215),
            ..
        }
    ));
    assert!(!error.is_transient());
    assert!(error.next_step().contains("secret"));
}

#[test]
fn the_number_is_found_in_the_description_when_the_list_is_missing() {
    let body = r#"{"error":"unauthorized_client","error_description":"AADSTS700016: Application not found"}"#;
    assert!(refused(400, body).to_string().contains("AADSTS700016"));
}

#[test]
fn throttling_in_plain_text_keeps_its_instant() {
    let error = refused(429, "Too Many Requests");
    let expected = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60);
    assert_eq!(error.retry_after(), Some(expected));
    assert!(error.is_transient());
}

#[test]
fn what_passes_is_transient_however_it_is_worded() {
    for (status, body) in [
        (503, ""),
        (500, "{}"),
        (408, ""),
        (400, "<html>proxy</html>"),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (200, "<html>captive portal</html>"),
        (302, ""),
    ] {
        let error = refused(status, body);
        assert!(error.is_transient(), "{status} {body}: {error}");
    }
}
