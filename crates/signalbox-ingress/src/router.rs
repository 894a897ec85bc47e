//! Which path goes where. Every path under `/hooks/business-central/` ends in the hook, whatever its method or depth.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http_body_util::BodyExt;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{IngressOptions, answer::Answer, business_central, counts, handshake, webhook};

/// The path below which only [`Answer`]s are given.
pub(crate) const BUSINESS_CENTRAL: &str = "/hooks/business-central/";
/// So much of an oversize body is read and thrown away, so that the sender hears the answer.
const DRAINED_BYTES: usize = 512 * 1024 * 1024;

/// The public routes.
pub fn router(options: IngressOptions) -> Router {
    counts::begin();
    let hook = any(business_central_hook);
    Router::new()
        .route("/hooks/business-central/", hook.clone())
        .route("/hooks/business-central/{*rest}", hook)
        .layer(CatchPanicLayer::custom(after_panic))
        .with_state(Arc::new(options))
}

/// A panic is ours to mend, and the signal's to be sent again.
fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked; the sender is asked to send again");
    counts::answered_at_once(&Answer::Later);
    Answer::Later.into_response()
}

async fn business_central_hook(
    State(options): State<Arc<IngressOptions>>,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let answer = answer(&options, request).await;
    counts::answered(&answer, begun.elapsed());
    answer.into_response()
}

async fn answer(options: &IngressOptions, request: Request) -> Answer {
    if let Some(token) = request.uri().query().and_then(handshake::validation_token) {
        return Answer::Token(token);
    }
    let span = webhook::span(options, &request);
    let answer = take(options, request).instrument(span.clone()).await;
    webhook::answered(&span, &answer);
    answer
}

async fn take(options: &IngressOptions, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let rest = path.strip_prefix(BUSINESS_CENTRAL).unwrap_or_default();
    // On an error the sender is gone, so nobody hears this; should it hear, it sends again.
    let Ok(body) = read_body(body, options.max_body_bytes).await else {
        return Answer::Later;
    };
    business_central::take(options, rest, body).await
}

/// The body, or `None` if it is larger than `most`.
async fn read_body(body: Body, most: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let mut body = body;
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length += data.len();
        if length <= most {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
        if length > DRAINED_BYTES {
            break;
        }
    }
    Ok((length <= most).then_some(bytes))
}
