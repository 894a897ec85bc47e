//! Webhook subscriptions: created and renewed only after a handshake, gone in silence.
//!
//! The handshake is a POST with an empty body to the URL with `validationToken` appended;
//! the answer must be 200 and the token alone. It runs inside the caller's own request.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

use super::erp::Subscription;
use super::invoices::etag;
use super::{Inquiry, method_not_allowed, not_found, refuse};
use crate::clock;
use crate::errors::Refusal;
use crate::state::{Shared, World};

/// Longest client state. Source: subscriptions page of the API docs, 2026.
const MAX_CLIENT_STATE: usize = 2_048;

/// Entity sets that can be subscribed to; lines and computed sets cannot.
const SETS: &[&str] = &[
    "accounts",
    "companyInformation",
    "contacts",
    "currencies",
    "customers",
    "dimensions",
    "employees",
    "generalLedgerEntries",
    "itemCategories",
    "items",
    "journals",
    "locations",
    "paymentMethods",
    "paymentTerms",
    "purchaseCreditMemos",
    "purchaseInvoices",
    "purchaseOrders",
    "salesCreditMemos",
    "salesInvoices",
    "salesOrders",
    "salesQuotes",
    "salespeoplePurchasers",
    "shipmentMethods",
    "unitsOfMeasure",
    "vendors",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wish {
    notification_url: Option<String>,
    resource: Option<String>,
    client_state: Option<String>,
}

/// Everything under `subscriptions`.
pub(super) async fn handle(
    inquiry: &Inquiry,
    method: &Method,
    key: Option<&str>,
) -> Result<Response, Refusal> {
    // Reality shows no mercy to an unquoted key on DELETE; elsewhere it is tolerated.
    let quoted = key.and_then(|key| key.strip_prefix('\'')?.strip_suffix('\''));
    match (method.as_str(), quoted.or(key)) {
        ("POST", None) => create(inquiry).await,
        ("GET", None) => Ok(list(inquiry)),
        ("GET", Some(id)) => one(inquiry, id),
        ("PATCH", Some(id)) => renew(inquiry, id).await,
        ("DELETE", Some(_)) => delete(inquiry, quoted),
        _ => Err(method_not_allowed()),
    }
}

fn unknown() -> Refusal {
    not_found("subscriptions")
}

fn one(inquiry: &Inquiry, id: &str) -> Result<Response, Refusal> {
    let world = inquiry.shared.world();
    let found = live(&world, id).ok_or_else(unknown)?;
    Ok(Json(found.json(None)).into_response())
}

/// The subscription of this id, unless it has expired.
fn live<'a>(world: &'a World, id: &str) -> Option<&'a Subscription> {
    let found = world.erp.subscriptions.get(id);
    found.filter(|subscription| subscription.expires > clock::now())
}

fn list(inquiry: &Inquiry) -> Response {
    let world = inquiry.shared.world();
    let now = clock::now();
    let all = world.erp.subscriptions.values();
    let value: Vec<Value> = all
        .filter(|one| one.expires > now)
        .map(|one| one.json(None))
        .collect();
    let context = format!("{}/$metadata#subscriptions", inquiry.root());
    Json(json!({ "@odata.context": context, "value": value })).into_response()
}

async fn create(inquiry: &Inquiry) -> Result<Response, Refusal> {
    let shared = &inquiry.shared;
    let subscription = wished(shared, &inquiry.body)?;
    handshake(shared, &subscription.url).await?;
    let context = format!("{}/$metadata#subscriptions/$entity", inquiry.root());
    let mut world = shared.world();
    let now = clock::now();
    // An expired row of the same wish is replaced, so it no longer counts as missing changes.
    world.erp.subscriptions.retain(|_, other| {
        let same = other.url == subscription.url && other.resource == subscription.resource;
        other.expires > now || !same
    });
    let alive = world
        .erp
        .subscriptions
        .values()
        .filter(|other| other.expires > now)
        .count();
    if alive >= shared.config.max_subscriptions {
        let message = "The maximum number of subscriptions has been reached.";
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "Application_DialogException",
            message,
        ));
    }
    let version = world.erp.next_version();
    let subscription = subscription.renewed(shared, version);
    let answer = (StatusCode::CREATED, Json(subscription.json(Some(&context)))).into_response();
    world
        .erp
        .subscriptions
        .insert(subscription.id.clone(), subscription);
    Ok(answer)
}

async fn renew(inquiry: &Inquiry, id: &str) -> Result<Response, Refusal> {
    let shared = &inquiry.shared;
    let condition = if_match(inquiry).ok_or_else(|| {
        let message = "The request is missing a valid If-Match header.";
        refuse(StatusCode::BAD_REQUEST, "BadRequest_InvalidToken", message)
    })?;
    let mut wanted = live(&shared.world(), id).cloned().ok_or_else(unknown)?;
    matches(&wanted, condition)?;
    wanted.apply(serde_json::from_slice(&inquiry.body).unwrap_or_default())?;
    handshake(shared, &wanted.url).await?;
    let mut world = shared.world();
    // Changes may have come, or the row may have gone, while the handshake ran.
    let current = world.erp.subscriptions.get_mut(id).ok_or_else(unknown)?;
    wanted.pending = std::mem::take(&mut current.pending);
    wanted.withheld = std::mem::take(&mut current.withheld);
    if current.url != wanted.url && !wanted.pending.is_empty() {
        // The backlog follows the subscription to its new address.
        let key = (wanted.company, wanted.url.clone());
        world
            .erp
            .outboxes
            .entry(key)
            .or_default()
            .fresh_due
            .get_or_insert(Instant::now());
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
    let mut world = inquiry.shared.world();
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

fn wished(shared: &Shared, body: &[u8]) -> Result<Subscription, Refusal> {
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "BadRequest", message);
    let wish: Wish =
        serde_json::from_slice(body).map_err(|_| bad("The request body is not valid."))?;
    let now = clock::now();
    let mut subscription = Subscription {
        id: Uuid::new_v4().simple().to_string(),
        url: String::new(),
        resource: String::new(),
        company: Uuid::nil(),
        set: String::new(),
        client_state: String::new(),
        expires: now,
        created: now,
        modified: now,
        version: 0,
        pending: Vec::new(),
        withheld: Vec::new(),
    };
    if wish.notification_url.is_none() || wish.resource.is_none() {
        return Err(bad("notificationUrl and resource must be provided."));
    }
    subscription.apply(wish)?;
    let known = shared.world().erp.company(subscription.company).is_some();
    if known {
        Ok(subscription)
    } else {
        Err(bad("The resource is not supported."))
    }
}

/// Company and entity set of a resource: absolute, rooted or relative.
fn parse_resource(resource: &str) -> Option<(Uuid, String)> {
    let (_, rest) = resource.split_once("companies(")?;
    let (company, set) = rest.split_once(")/")?;
    SETS.contains(&set)
        .then(|| Some((company.parse().ok()?, set.to_owned())))?
}

impl Subscription {
    fn apply(&mut self, wish: Wish) -> Result<(), Refusal> {
        let bad = |message: &str| Err(refuse(StatusCode::BAD_REQUEST, "BadRequest", message));
        if let Some(url) = wish.notification_url {
            if reqwest::Url::parse(&url).is_err() {
                return bad("notificationUrl is not a valid URL.");
            }
            self.url = url;
        }
        if let Some(resource) = wish.resource {
            let Some((company, set)) = parse_resource(&resource) else {
                return bad("The resource is not supported.");
            };
            self.resource = format!("api/v2.0/companies({company})/{set}");
            (self.company, self.set) = (company, set);
        }
        if let Some(state) = wish.client_state {
            if state.len() > MAX_CLIENT_STATE {
                return bad("clientState is too long.");
            }
            self.client_state = state;
        }
        Ok(())
    }

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

/// Asks the subscriber to prove itself.
async fn handshake(shared: &Shared, url: &str) -> Result<(), Refusal> {
    let token = Uuid::new_v4().simple().to_string();
    let joint = if url.contains('?') { '&' } else { '?' };
    let timeout = shared
        .config
        .scaled(shared.config.handshake_timeout)
        .max(Duration::from_secs(1));
    let request = shared
        .http
        .post(format!("{url}{joint}validationToken={token}"))
        .header(header::CONTENT_LENGTH, 0)
        .timeout(timeout);
    let proven = async {
        let answer = request.send().await.ok()?;
        let ok = answer.status() == StatusCode::OK;
        let body = answer.bytes().await.ok()?;
        (ok && body == token.as_bytes()).then_some(())
    };
    proven.await.ok_or_else(|| {
        refuse(
            StatusCode::BAD_REQUEST,
            "Application_DialogException",
            "The notification URL did not answer the validation request with the validation token.",
        )
    })
}
