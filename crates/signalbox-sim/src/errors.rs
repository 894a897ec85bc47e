//! Errors in each service's own shape.
//!
//! Business Central hides its correlation id at the end of the message, Graph nests an
//! inner error, the Connector names its id in a header, and Entra throttles in plain text.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::clock;
use crate::faults::RetryAfter;
use crate::target::Api;

/// An answer that ends a handler early.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// A refusal of `api`.
pub(crate) fn error(api: Api, status: StatusCode, code: &str, message: &str) -> Refusal {
    let id = Uuid::new_v4();
    let body = match api {
        Api::Entra => json!({ "error": code, "error_description": message,
            "error_codes": aadsts(message), "timestamp": clock::now().to_string(),
            "trace_id": id, "correlation_id": Uuid::new_v4() }),
        Api::BusinessCentral => {
            let message = format!("{message}  CorrelationId:  {id}.");
            json!({ "error": { "code": code, "message": message } })
        }
        Api::Bot => json!({ "error": { "code": code, "message": message } }),
        Api::Graph => json!({ "error": { "code": code, "message": message,
            "innerError": { "date": clock::now().strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                "request-id": id, "client-request-id": id } } }),
    };
    let mut response = (status, Json(body)).into_response();
    if api == Api::Bot
        && let Ok(id) = HeaderValue::from_str(&id.to_string())
    {
        response
            .headers_mut()
            .insert("x-correlating-operationid", id);
    }
    response.into()
}

/// The AADSTS numbers named in a description.
fn aadsts(description: &str) -> Vec<u64> {
    let number = description
        .strip_prefix("AADSTS")
        .and_then(|rest| rest.split(':').next());
    number
        .and_then(|number| number.parse().ok())
        .into_iter()
        .collect()
}

/// A 401 of `api`: the token is unknown, expired or meant for another service.
pub(crate) fn unauthorized(api: Api) -> Refusal {
    let (code, message) = match api {
        Api::Entra => (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
        ),
        Api::BusinessCentral => (
            "Authentication_InvalidCredentials",
            "The server has rejected the client credentials.",
        ),
        Api::Bot => (
            "Unauthorized",
            "Authorization has been denied for this request.",
        ),
        Api::Graph => (
            "InvalidAuthenticationToken",
            "Access token validation failure. Invalid audience.",
        ),
    };
    error(api, StatusCode::UNAUTHORIZED, code, message)
}

/// A 429 of `api`, with the header in the form asked for.
pub(crate) fn throttled(api: Api, retry_after: RetryAfter) -> Refusal {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let response = match api {
        Api::Entra => (status, "Too Many Requests").into_response().into(),
        Api::BusinessCentral => error(
            api,
            status,
            "Application_TooManyRequests",
            "Too many requests reached. Actual (101). Maximum (100).",
        ),
        Api::Bot => error(api, status, "Throttled", "Too many requests."),
        Api::Graph => error(api, status, "TooManyRequests", "Please retry again later."),
    };
    with_retry_after(response, retry_after)
}

/// Adds `Retry-After`. As an HTTP date it is counted from this answer's own `Date`.
pub(crate) fn with_retry_after(mut refusal: Refusal, retry_after: RetryAfter) -> Refusal {
    let headers = refusal.0.headers_mut();
    match retry_after {
        RetryAfter::Absent | RetryAfter::Usual => {}
        RetryAfter::Secs(secs) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        RetryAfter::HttpDate(secs) => {
            let now = clock::now();
            let then = clock::later(now, std::time::Duration::from_secs(secs));
            for (name, instant) in [(header::DATE, now), (header::RETRY_AFTER, then)] {
                if let Ok(date) = HeaderValue::from_str(&http_date(instant)) {
                    headers.insert(name, date);
                }
            }
        }
    }
    refusal
}

/// An instant as HTTP writes it, cut to seconds.
fn http_date(instant: Timestamp) -> String {
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
