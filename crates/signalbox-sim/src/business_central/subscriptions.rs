//! Webhook subscriptions: created and renewed only after a handshake, gone in silence.
//!
//! Every route has a `subscriptions` of its own, whose resources lie under the same route;
//! the limit counts them all, and those of others with them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::time::Instant;

use super::erp::{Erp, Subscription};
use super::records::etag;
use super::webhooks::route_of;
use super::{Inquiry, method_not_allowed, not_found, refuse};
use crate::clock;
use crate::errors::Refusal;
use crate::state::{Shared, World};

mod handshake;
mod others;
mod wish;

use handshake::handshake;
use wish::{Wish, wished};

/// Everything under `subscriptions` of a route.
pub(super) async fn handle(
    inquiry: &Inquiry,
    route: &str,
    method: &Method,
    key: Option<&str>,
) -> Result<Response, Refusal> {
    // Reality shows no mercy to an unquoted key on DELETE; elsewhere it is tolerated.
    let quoted = key.and_then(|key| key.strip_prefix('\'')?.strip_suffix('\''));
    match (method.as_str(), quoted.or(key)) {
        ("POST", None) => create(inquiry, route).await,
        ("GET", None) => Ok(list(inquiry, route)),
        ("GET", Some(id)) => one(inquiry, id),
        ("PATCH", Some(id)) => renew(inquiry, route, id).await,
        ("DELETE", Some(_)) => delete(inquiry, quoted),
        _ => Err(method_not_allowed()),
    }
}

fn unknown() -> Refusal {
    not_found("subscriptions")
}

fn one(inquiry: &Inquiry, id: &str) -> Result<Response, Refusal> {
    let world = inquiry.shared.world();
    let found = live(&world, id).or_else(|| others::visible(&inquiry.shared, &world, id));
    let found = found.ok_or_else(unknown)?;
    Ok(Json(found.json(None)).into_response())
}

/// The subscription of this id, unless it has expired.
fn live<'a>(world: &'a World, id: &str) -> Option<&'a Subscription> {
    let found = world.erp.subscriptions.get(id);
    found.filter(|subscription| subscription.expires > clock::now())
}

fn list(inquiry: &Inquiry, route: &str) -> Response {
    let shared = &inquiry.shared;
    let world = shared.world();
    let now = clock::now();
    let all = world.erp.subscriptions.values();
    let own = all.filter(|one| one.expires > now);
    let value: Vec<Value> = own
        .chain(others::all_visible(shared, &world))
        .filter(|one| route_of(&one.set) == route)
        .map(|one| one.json(None))
        .collect();
    let context = format!("{}/$metadata#subscriptions", inquiry.root());
    Json(json!({ "@odata.context": context, "value": value })).into_response()
}

async fn create(inquiry: &Inquiry, route: &str) -> Result<Response, Refusal> {
    let shared = &inquiry.shared;
    let subscription = wished(shared, route, &inquiry.body)?;
    // What cannot be made in any case is refused before anybody is asked to prove itself.
    make_room(shared, &mut shared.world().erp, &subscription)?;
    handshake(shared, &subscription.url).await?;
    let context = format!("{}/$metadata#subscriptions/$entity", inquiry.root());
    let mut world = shared.world();
    make_room(shared, &mut world.erp, &subscription)?;
    let version = world.erp.next_version();
    let subscription = subscription.renewed(shared, version);
    let answer = (StatusCode::CREATED, Json(subscription.json(Some(&context)))).into_response();
    let erp = &mut world.erp;
    let made = (subscription.company, subscription.set.clone());
    erp.webhooks.expired.remove(&made);
    erp.subscriptions
        .insert(subscription.id.clone(), subscription);
    Ok(answer)
}

/// Whether one more can be made. An expired row of the same wish gives way to it.
fn make_room(shared: &Shared, erp: &mut Erp, wanted: &Subscription) -> Result<(), Refusal> {
    let now = clock::now();
    let same = |other: &Subscription| other.url == wanted.url && other.resource == wanted.resource;
    let over = |other: &Subscription| other.expires <= now && same(other);
    if erp.subscriptions.values().any(over) {
        erp.subscriptions.retain(|_, other| !over(other));
        // Until the new one is there, changes are missed.
        let missed = (wanted.company, wanted.set.clone());
        erp.webhooks.expired.insert(missed);
    }
    if !shared.config.duplicate_subscriptions && erp.subscriptions.values().any(same) {
        let message = "A subscription of this resource and notification URL exists already.";
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "Internal_EntityWithSameKeyExists",
            message,
        ));
    }
    let own = erp.subscriptions.values().filter(|one| one.expires > now);
    if own.count() + erp.webhooks.others.len() < shared.config.max_subscriptions {
        return Ok(());
    }
    erp.webhooks.counts.refused_by_limit += 1;
    // Nothing documents this answer, so nobody should know it by its code.
    let message = "The maximum number of subscriptions has been reached.";
    Err(refuse(StatusCode::BAD_REQUEST, "Unknown", message))
}

async fn renew(inquiry: &Inquiry, route: &str, id: &str) -> Result<Response, Refusal> {
    let shared = &inquiry.shared;
    let condition = if_match(inquiry).ok_or_else(|| {
        let message = "The request is missing a valid If-Match header.";
        refuse(StatusCode::BAD_REQUEST, "BadRequest_InvalidToken", message)
    })?;
    let mut wanted = live(&shared.world(), id).cloned().ok_or_else(unknown)?;
    matches(&wanted, condition)?;
    let wish: Wish = serde_json::from_slice(&inquiry.body).unwrap_or_default();
    wanted.apply(shared, route, wish)?;
    handshake(shared, &wanted.url).await?;
    let mut world = shared.world();
    // Changes may have come, or the row may have gone, while the handshake ran.
    let current = world.erp.subscriptions.get_mut(id).ok_or_else(unknown)?;
    wanted.pending = std::mem::take(&mut current.pending);
    wanted.withheld = std::mem::take(&mut current.withheld);
    if current.url != wanted.url && !wanted.pending.is_empty() {
        // The backlog follows the subscription to its new address.
        let key = (wanted.company, wanted.url.clone());
        let outbox = world.erp.outboxes.entry(key).or_default();
        outbox.fresh_due.get_or_insert(Instant::now());
        shared.outbox.notify_one();
    }
    let version = world.erp.next_version();
    let renewed = wanted.renewed(shared, version);
    let context = format!("{}/$metadata#subscriptions/$entity", inquiry.root());
    let answer = Json(renewed.json(Some(&context))).into_response();
    world.erp.subscriptions.insert(id.to_owned(), renewed);
    Ok(answer)
}

fn delete(inquiry: &Inquiry, quoted: Option<&str>) -> Result<Response, Refusal> {
    let id = quoted.ok_or_else(|| {
        let message = "The key of a subscription must be in quotes.";
        refuse(
            StatusCode::BAD_REQUEST,
            "BadRequest_InvalidRequestUrl",
            message,
        )
    })?;
    let shared = &inquiry.shared;
    let mut world = shared.world();
    // Whether one application may delete what another made is not known; here it may, and
    // it is counted.
    if others::visible(shared, &world, id).is_some() {
        world.erp.webhooks.others.remove(id);
        world.erp.webhooks.counts.others_deleted += 1;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let found = live(&world, id).ok_or_else(unknown)?;
    // The server checks the condition of a DELETE only if there is one.
    if let Some(condition) = if_match(inquiry) {
        matches(found, condition)?;
    }
    world.erp.subscriptions.remove(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn if_match(inquiry: &Inquiry) -> Option<&str> {
    inquiry.headers.get(header::IF_MATCH)?.to_str().ok()
}

/// Stale etags get 409, not 412.
fn matches(subscription: &Subscription, condition: &str) -> Result<(), Refusal> {
    if condition == "*" || condition == etag(subscription.version) {
        return Ok(());
    }
    let message = "Another user has already changed the record.";
    Err(refuse(
        StatusCode::CONFLICT,
        "Request_EntityChanged",
        message,
    ))
}

impl Subscription {
    fn renewed(self, shared: &Shared, version: u64) -> Self {
        let modified = clock::now();
        let life = shared.config.scaled(shared.config.subscription_life);
        Self {
            expires: clock::later(modified, life),
            modified,
            version,
            ..self
        }
    }

    /// The entity as JSON.
    pub(crate) fn json(&self, context: Option<&str>) -> Value {
        let mut json = json!({
            "@odata.etag": etag(self.version), "subscriptionId": self.id,
            "notificationUrl": self.url, "resource": self.resource, "timestamp": self.version,
            "userId": USER, "lastModifiedDateTime": self.modified.to_string(),
            "clientState": self.client_state, "expirationDateTime": self.expires.to_string(),
            "systemCreatedAt": self.created.to_string(), "systemCreatedBy": USER,
            "systemModifiedAt": self.modified.to_string(), "systemModifiedBy": USER,
        });
        if let Some(context) = context {
            json["@odata.context"] = Value::from(context);
        }
        json
    }
}

/// The application's user inside the ERP.
const USER: &str = "5f0c2d0e-1111-2222-3333-444455556666";
