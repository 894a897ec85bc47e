//! The control API under `/_sim/v1/`, for tests in any language and for people with curl.
//!
//! Its requests are neither recorded nor befallen by faults.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::state::Shared;
use crate::teams::Effect;

mod verbs;

/// Routes of the control API.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/v1/verbs/{verb}", post(verb))
        .route(
            "/_sim/v1/faults",
            get(faults).post(add_faults).delete(clear_faults),
        )
        .route("/_sim/v1/requests", get(requests))
        .route("/_sim/v1/notifications", get(notifications))
        .route("/_sim/v1/effects", get(effects))
        .route("/_sim/v1/sightings", get(sightings))
        .route("/_sim/v1/subscriptions", get(subscriptions))
        .route("/_sim/v1/webhooks", get(webhooks))
        .route("/_sim/v1/verdict", get(verdict))
        .route("/_sim/v1/reset", post(reset))
}

/// Why a control request was refused.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    #[error("the body cannot be read: {0}")]
    Body(serde_json::Error),
    #[error("there is no verb `{0}`; known are {known}", known = verbs::names().collect::<Vec<_>>().join(", "))]
    NoSuchVerb(String),
    #[error("{0}")]
    Refused(#[from] crate::business_central::VerbError),
    #[error("{0}")]
    Environment(#[from] crate::business_central::EnvironmentError),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchVerb(_) => StatusCode::NOT_FOUND,
            Self::Refused(_) | Self::Environment(_) => StatusCode::CONFLICT,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// A body as JSON; an empty one is an empty object, so that curl needs no `-d`.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(ControlError::Body)
}

fn show(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("wire types have no keys that are not text")
}

/// Where a verb acts: in the first environment unless the query names another.
#[derive(Deserialize)]
struct Where {
    environment: Option<String>,
}

impl Where {
    fn view(&self, shared: Arc<Shared>) -> Result<Arc<Shared>, ControlError> {
        match &self.environment {
            Some(name) => Ok(shared.in_environment(name)?),
            None => Ok(shared),
        }
    }
}

async fn verb(
    State(shared): State<Arc<Shared>>,
    Path(verb): Path<String>,
    Query(place): Query<Where>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    verbs::run(&place.view(shared)?, &verb, &body).map(Json)
}

/// Takes one fault or a list of them.
async fn add_faults(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    // Tried in turn, not as an untagged enum, so that the error names what is wrong.
    let list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let faults: Vec<Fault> = if list {
        read(&body)?
    } else {
        vec![read(&body)?]
    };
    let ids: Vec<u64> = faults
        .into_iter()
        .map(|fault| shared.faults.add(fault))
        .collect();
    Ok(Json(json!({ "ids": ids })))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(show(&shared.faults.list()))
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(show(&shared.recorder.requests()))
}

async fn notifications(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(show(&shared.recorder.notifications()))
}

async fn effects(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let messages = shared.world().teams.messages();
    let effects: Vec<Effect> = messages.into_iter().map(Effect::from).collect();
    Json(show(&effects))
}

async fn sightings(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let sightings = shared.world().sightings.all();
    Json(show(&sightings))
}

async fn subscriptions(
    State(shared): State<Arc<Shared>>,
    Query(place): Query<Where>,
) -> Result<Json<Value>, ControlError> {
    let shared = place.view(shared)?;
    let world = shared.world();
    let all = world.erp.subscriptions.values();
    Ok(Json(
        all.map(|subscription| subscription.json(None)).collect(),
    ))
}

async fn webhooks(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(show(&shared.webhook_counts()))
}

async fn verdict(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let verdict = shared.world().verdict();
    Json(show(&verdict))
}

async fn reset(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.reset();
    StatusCode::NO_CONTENT
}
