//! `$batch`: up to a hundred reads in one request, each with a status of its own.
//!
//! For the application's rate and places it is one request. Its reads are recorded, shown
//! to readers and befallen by faults one by one; a fault that would end a connection
//! answers a read inside with 503 instead.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Inquiry, Observed, Segment, method_not_allowed, read, refuse, too_long};
use crate::errors::Refusal;
use crate::faults::{Candidate, FaultKind, RetryAfter};
use crate::recorder::RecordedRequest;
use crate::state::Call;
use crate::target::{Target, decoded};
use crate::{clock, intake};

/// Most operations. Source: operational limits page, 2026.
const MOST: usize = 100;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    id: String,
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

/// `POST $batch`.
pub(super) async fn handle(inquiry: &Inquiry) -> Result<Response, Refusal> {
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "BadRequest", message);
    let batch: Batch =
        serde_json::from_slice(&inquiry.body).map_err(|_| bad("The batch is not valid."))?;
    if batch.requests.len() > MOST {
        return Err(bad(
            "The maximum number of operations in a batch request is 100.",
        ));
    }
    let mut responses = Vec::with_capacity(batch.requests.len());
    let mut observed = Observed::default();
    for operation in batch.requests {
        let mut response = answer(inquiry, &operation).await;
        if let Some(shown) = response.extensions_mut().remove::<Observed>() {
            observed.join(shown);
        }
        responses.push(written(operation.id, response).await);
    }
    let mut response = Json(Answers { responses }).into_response();
    response.extensions_mut().insert(observed);
    Ok(response)
}

/// Answers one operation, recorded as a request of its own.
async fn answer(outer: &Inquiry, operation: &Operation) -> Response {
    let mut inquiry = inner(outer, operation);
    let shared = &outer.shared;
    let (tenant, environment) = (&shared.config.tenant, &inquiry.environment);
    let path = format!("/bc/v2.0/{tenant}/{environment}/{}", inquiry.path);
    let fault = shared.faults.take(Candidate {
        target: Target::BcRead.as_str(),
        lane: &inquiry.call.lane,
        path: &path,
        read_write: inquiry.call.read_write,
    });
    inquiry.call.seq = shared.recorder.request(RecordedRequest {
        seq: 0,
        batch: Some(outer.call.seq),
        at: clock::now(),
        target: Target::BcRead,
        lane: inquiry.call.lane.clone(),
        method: operation.method.clone(),
        path,
        query: inquiry.query.clone().unwrap_or_default(),
        headers: operation.headers.clone(),
        body: String::new(),
        status: None,
        fault: fault.as_ref().map(|fault| fault.name().to_owned()),
        early: false,
    });
    let response = befall(&mut inquiry, operation, fault).await;
    let status = response.status().as_u16();
    shared.recorder.answered(inquiry.call.seq, status);
    response
}

/// The request that an operation stands for, with the outer request's headers behind its own.
fn inner(outer: &Inquiry, operation: &Operation) -> Inquiry {
    let mut headers = outer.headers.clone();
    headers.remove(header::CONTENT_TYPE);
    headers.remove("prefer");
    extend(&mut headers, &operation.headers);
    let read_write = headers
        .get("data-access-intent")
        .is_some_and(|intent| intent == "ReadWrite");
    let (url, query) = match operation.url.split_once('?') {
        Some((url, query)) => (url, Some(query.to_owned())),
        None => (operation.url.as_str(), None),
    };
    // Absolute, rooted at the service or, as documented, relative to it.
    let root = outer.root();
    let url = url
        .strip_prefix(&root)
        .unwrap_or(url)
        .trim_start_matches('/');
    let route = outer.split().0;
    let rest = url
        .strip_prefix(route)
        .map_or(url, |rest| rest.trim_start_matches('/'));
    Inquiry {
        shared: outer.shared.clone(),
        environment: outer.environment.clone(),
        call: Call {
            arrived: Instant::now(),
            target: Target::BcRead,
            fault: None,
            read_write,
            ..outer.call.clone()
        },
        headers,
        path: format!("{route}/{rest}"),
        query,
        body: bytes::Bytes::new(),
    }
}

fn extend(headers: &mut HeaderMap, own: &BTreeMap<String, String>) {
    for (name, value) in own {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

/// Lets the operation be answered, as far as the fault allows.
async fn befall(
    inquiry: &mut Inquiry,
    operation: &Operation,
    fault: Option<FaultKind>,
) -> Response {
    let refused =
        |code, retry_after| intake::refuse(&inquiry.shared, &inquiry.call, code, retry_after);
    match fault {
        None => {}
        Some(FaultKind::Throttle(retry_after)) => return refused(429, retry_after),
        Some(FaultKind::Status(code, retry_after)) => return refused(code, retry_after),
        Some(FaultKind::Slow(span)) => tokio::time::sleep(span).await,
        Some(FaultKind::StaleRead(_)) => inquiry.call.fault = fault,
        Some(_) => return refused(503, RetryAfter::Absent),
    }
    perform(inquiry, operation).unwrap_or_else(IntoResponse::into_response)
}

fn perform(inquiry: &Inquiry, operation: &Operation) -> Result<Response, Refusal> {
    if inquiry.is_too_long() {
        return Err(too_long());
    }
    if operation.method != "GET" {
        return Err(method_not_allowed());
    }
    let (_, rest) = inquiry.split();
    let segments: Vec<String> = rest.split('/').map(decoded).collect();
    let segments: Vec<Segment<'_>> = segments.iter().map(|it| Segment::parse(it)).collect();
    read(inquiry, &segments)
}

/// An answer as the batch carries it; a body that is no JSON stays out.
async fn written(id: String, response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    let body = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok());
    Answer {
        id,
        status: parts.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body,
    }
}
