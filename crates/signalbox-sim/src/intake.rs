//! Where every request passes: it is recorded, checked against the `Retry-After`s given,
//! and befallen by faults, before and after the service itself sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http::{Request, StatusCode, header};

use crate::business_central::Observed;
use crate::clock;
use crate::errors;
use crate::faults::{Candidate, FaultKind, RetryAfter};
use crate::recorder::{RecordedRequest, kept};
use crate::server::{Hangup, dispatch};
use crate::state::{Call, Shared};
use crate::target::{Api, Target};

/// Whether a request is to the simulator itself, not to what it simulates.
pub(crate) fn is_control<B>(request: &Request<B>) -> bool {
    request.uri().path().starts_with("/_sim/")
}

/// Answers one request, or ends its connection.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Body>,
) -> Result<Response, Hangup> {
    let arrived = Instant::now();
    if is_control(&request) {
        return Ok(dispatch(router, request).await);
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Hangup)?;
    let request = Request::from_parts(parts, body);
    let call = enter(&shared, &request, arrived);
    let seq = call.seq;
    let answer = befall(&shared, router, request, call).await;
    if let Ok(answer) = &answer {
        if let Some(observed) = answer.extensions().get::<Observed>() {
            shared.world().showed(observed);
        }
        shared.recorder.answered(seq, answer.status().as_u16());
    }
    shared.announce();
    answer
}

/// Records the request and finds out what it is.
fn enter(shared: &Shared, request: &Request<Bytes>, arrived: Instant) -> Call {
    let at = clock::now();
    let path = request.uri().path();
    let target = Target::of(request.method(), path);
    let headers = request.headers();
    let read_write = headers
        .get("data-access-intent")
        .is_some_and(|intent| intent == "ReadWrite");
    let (app, lane, early) = {
        let mut world = shared.world();
        let app = world.entra.app(headers);
        let lane = target.lane(&app, path, request.body());
        let early = world
            .lanes
            .is_early(&lane, arrived, shared.config.early_grace);
        world.early_requests += u64::from(early);
        (app, lane, early)
    };
    let fault = shared.faults.take(Candidate {
        target: target.as_str(),
        lane: &lane,
        path,
        read_write,
    });
    // A token request carries the secret.
    let body = if target == Target::EntraToken {
        String::new()
    } else {
        kept(request.body())
    };
    let shown = headers
        .iter()
        .filter(|(name, _)| *name != header::AUTHORIZATION);
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let seq = shared.recorder.request(RecordedRequest {
        seq: 0,
        batch: None,
        at,
        target,
        lane: lane.clone(),
        method: request.method().to_string(),
        path: path.to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: shown
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect::<BTreeMap<_, _>>(),
        body,
        status: None,
        fault: fault.as_ref().map(|fault| fault.name().to_owned()),
        early,
    });
    // Waiters may be waiting for a request to arrive, long before it is answered.
    shared.announce();
    Call {
        seq,
        arrived,
        target,
        app,
        lane,
        fault,
        read_write,
    }
}

/// Lets the service answer, as far as the fault allows.
async fn befall(
    shared: &Arc<Shared>,
    router: Router,
    request: Request<Bytes>,
    call: Call,
) -> Result<Response, Hangup> {
    if !shared.config.latency.is_zero() {
        tokio::time::sleep(shared.config.latency).await;
    }
    let fault = call.fault.clone();
    match fault {
        None | Some(FaultKind::WrongAudience | FaultKind::StaleRead(_)) => {
            Ok(serve(router, request, call).await)
        }
        Some(FaultKind::Throttle(retry_after)) => Ok(refuse(shared, &call, 429, retry_after)),
        Some(FaultKind::Status(code, retry_after)) => Ok(refuse(shared, &call, code, retry_after)),
        Some(FaultKind::Garbage) => {
            Ok(Html("<html><body>The service is being updated.</body></html>").into_response())
        }
        Some(FaultKind::TryAgainLater) => Ok(try_again_later(&call)),
        Some(FaultKind::Slow(span)) => {
            tokio::time::sleep(span).await;
            Ok(serve(router, request, call).await)
        }
        Some(FaultKind::CommitThenTimeout) => {
            serve(router, request, call).await;
            shared.announce();
            // The client's leaving drops this future; the simulator's end does the rest.
            shared.stop.cancelled().await;
            Err(Hangup)
        }
        Some(FaultKind::LateCommit(span)) => {
            let late = Arc::clone(shared);
            shared.tasks.spawn(async move {
                tokio::select! {
                    () = late.stop.cancelled() => return,
                    () = tokio::time::sleep(span) => {}
                }
                // The request counts as arriving when it takes effect.
                let call = Call {
                    arrived: Instant::now(),
                    ..call
                };
                serve(router, request, call).await;
                late.announce();
            });
            Err(Hangup)
        }
        Some(FaultKind::Reset) => Err(Hangup),
        Some(FaultKind::ResetAfterCommit) => {
            serve(router, request, call).await;
            Err(Hangup)
        }
    }
}

async fn serve(router: Router, request: Request<Bytes>, call: Call) -> Response {
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(call);
    dispatch(router, request).await
}

/// A 400 that means a 503. Its code is none that is documented.
fn try_again_later(call: &Call) -> Response {
    let message = "The server is busy. Please try again later.";
    let api = call.target.api().unwrap_or(Api::BusinessCentral);
    errors::error(api, StatusCode::BAD_REQUEST, "Unknown", message).into_response()
}

/// A scripted refusal; its `Retry-After` binds like any other.
pub(crate) fn refuse(shared: &Shared, call: &Call, code: u16, retry_after: RetryAfter) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = retry_after.of(call.target.api(), &shared.config);
    if let Some(wait) = retry_after.wait() {
        shared.world().lanes.close(&call.lane, Instant::now(), wait);
    }
    match call.target.api() {
        None => status.into_response(),
        // The gateway in front of the service speaks HTML.
        Some(Api::BusinessCentral) if status == StatusCode::GATEWAY_TIMEOUT => {
            let page = "<html><body><h1>504 Gateway Time-out</h1></body></html>";
            (status, Html(page)).into_response()
        }
        Some(api) if status == StatusCode::TOO_MANY_REQUESTS => {
            errors::throttled(api, retry_after).into_response()
        }
        Some(api) => {
            let code = status
                .canonical_reason()
                .unwrap_or("Unknown")
                .replace(' ', "");
            let answer = errors::error(api, status, &code, "This refusal was scripted.");
            errors::with_retry_after(answer, retry_after).into_response()
        }
    }
}
