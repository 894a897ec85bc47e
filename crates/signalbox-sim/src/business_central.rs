//! Business Central: companies, purchase invoices and webhook subscriptions.
//!
//! Every request is authorised, counted against the application's limits and then
//! routed by its path, whose segments carry keys in parentheses as OData writes them.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use uuid::Uuid;

use crate::errors::{self, Refusal};
use crate::faults::RetryAfter;
use crate::graph::query_options;
use crate::lanes::Window;
use crate::state::{Call, Shared};
use crate::target::Api;

pub(crate) mod batches;
pub(crate) mod changes;
mod companies;
pub(crate) mod environments;
mod erp;
mod fields;
mod invoices;
mod maintenance;
mod mischief;
pub(crate) mod notifications;
mod odata;
mod reads;
mod runtime;
mod slots;
mod status;
pub(crate) mod subscriptions;
mod supported;
mod webhook_log;
mod webhooks;

pub use changes::{NewInvoice, Posted, VerbError, Which};
pub use environments::EnvironmentError;
pub(crate) use environments::Environments;
pub(crate) use erp::Erp;
pub(crate) use reads::Observed;
pub(crate) use slots::AppSlots;
pub use status::InvoiceStatus;
pub use webhooks::WebhookCounts;

/// Requests per application in a sliding window. Source: operational limits page, 2026.
const RATE: (usize, u64) = (6_000, 300);

/// A request with everything the handlers need.
#[derive(Debug)]
struct Inquiry {
    /// Seen from the environment that the path names.
    shared: Arc<Shared>,
    /// Its name, as the path has it.
    environment: String,
    /// The route between environment and company, such as `api/v2.0`.
    route: String,
    call: Call,
    headers: HeaderMap,
    query: Option<String>,
    body: Bytes,
}

impl Inquiry {
    /// The service root as this caller addressed it.
    fn root(&self) -> String {
        let host = self.headers.get("host").and_then(|host| host.to_str().ok());
        let config = &self.shared.config;
        format!(
            "http://{}/bc/v2.0/{}/{}/{}",
            host.unwrap_or_default(),
            config.tenant,
            self.environment,
            self.route
        )
    }

    fn option(&self, name: &str) -> Option<String> {
        query_options(self.query.as_deref()).remove(name)
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Refusal {
    errors::error(Api::BusinessCentral, status, code, message)
}

fn not_found(segment: &str) -> Refusal {
    let message = format!("Resource not found for the segment '{segment}'.");
    refuse(
        StatusCode::NOT_FOUND,
        "BadRequest_ResourceNotFound",
        &message,
    )
}

/// Everything under `/bc/v2.0/{tenant}/{environment}/`.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    Path((tenant, environment, path)): Path<(String, String, String)>,
    Extension(call): Extension<Call>,
    RawQuery(query): RawQuery,
    request: axum::extract::Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let admitted = shared
        .world()
        .entra
        .admits(&parts.headers, Api::BusinessCentral);
    if !admitted || tenant != shared.config.tenant {
        return Err(errors::unauthorized(Api::BusinessCentral));
    }
    let shared = shared.in_environment(&environment).map_err(|_| {
        let message = "Environment does not exist.";
        refuse(StatusCode::NOT_FOUND, "NoEnvironment", message)
    })?;
    maintenance::check(&shared, &call)?;
    let _slot = admit(&shared, &call).await?;
    let (route, path) = split(&path);
    let inquiry = Inquiry {
        shared,
        environment,
        route: route.to_owned(),
        call,
        headers: parts.headers,
        query,
        body,
    };
    answer(inquiry, &parts.method, path).await
}

/// The route, which is `api/v2.0` or `api/{publisher}/{group}/{version}`, and what follows.
fn split(path: &str) -> (&str, &str) {
    let segments = if path.starts_with("api/v2.0/") { 2 } else { 4 };
    let slash = path.match_indices('/').nth(segments - 1);
    slash.map_or((path, ""), |(at, _)| (&path[..at], &path[at + 1..]))
}

/// Takes the application's turn: its rate first, then one of its places.
async fn admit(shared: &Shared, call: &Call) -> Result<Option<slots::Slot>, Refusal> {
    if !shared.config.limits {
        return Ok(None);
    }
    let window = [Window {
        requests: RATE.0,
        span: shared.config.scaled(Duration::from_secs(RATE.1)),
    }];
    let refused = || errors::throttled(Api::BusinessCentral, RetryAfter::Absent);
    {
        let mut world = shared.world();
        if world
            .lanes
            .admit(&[(&call.lane, &window)], call.arrived)
            .is_err()
        {
            world.limit_violations += 1;
            return Err(refused());
        }
    }
    let slot = shared.app_slots.enter(&call.lane).await;
    if slot.is_none() {
        shared.world().limit_violations += 1;
    }
    slot.map(Some).ok_or_else(refused)
}

async fn answer(inquiry: Inquiry, method: &Method, path: &str) -> Result<Response, Refusal> {
    let segments: Vec<Segment<'_>> = path.split('/').map(Segment::parse).collect();
    let names: Vec<&str> = segments.iter().map(|segment| segment.name).collect();
    match (method.as_str(), &names[..]) {
        (_, ["subscriptions"]) => {
            subscriptions::handle(&inquiry, &inquiry.route, method, segments[0].key).await
        }
        ("GET", ["companies", set]) if inquiry.route == runtime::ROUTE => {
            runtime::read(&inquiry, segments[0].key, set)
        }
        _ if inquiry.route != "api/v2.0" => Err(not_found(names[0])),
        ("GET", ["companies"]) => reads::companies(&inquiry, segments[0].key),
        (_, ["companies", rest @ ..]) => {
            let company = segments[0].key.and_then(|id| id.parse::<Uuid>().ok());
            let company = company.ok_or_else(|| not_found("companies"))?;
            let invoice = segments.get(1).and_then(|segment| segment.key);
            within_company(&inquiry, (method.as_str(), rest), (company, invoice))
        }
        _ => Err(not_found(names.first().copied().unwrap_or_default())),
    }
}

fn within_company(
    inquiry: &Inquiry,
    (method, rest): (&str, &[&str]),
    (company, invoice): (Uuid, Option<&str>),
) -> Result<Response, Refusal> {
    match (method, rest, invoice) {
        ("GET", ["purchaseInvoices"], None) => reads::list(inquiry, company),
        ("GET", ["purchaseInvoices"], Some(id)) => reads::one(inquiry, company, id),
        ("GET", ["purchaseInvoices", "purchaseInvoiceLines"], Some(id)) => {
            reads::lines(inquiry, company, id)
        }
        ("POST", ["purchaseInvoices", "Microsoft.NAV.post"], Some(id)) => post(inquiry, id),
        (_, ["purchaseInvoices"], _) => Err(method_not_allowed()),
        _ => Err(not_found(rest.first().copied().unwrap_or_default())),
    }
}

fn method_not_allowed() -> Refusal {
    let (code, message) = ("BadRequest_MethodNotAllowed", "The method is not allowed.");
    refuse(StatusCode::METHOD_NOT_ALLOWED, code, message)
}

/// The bound action `Microsoft.NAV.post`.
fn post(inquiry: &Inquiry, id: &str) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| not_found("purchaseInvoices"))?;
    match inquiry.shared.post_invoice(&Which::id(id)) {
        Ok(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(VerbError::NoSuchInvoice(_)) => Err(not_found("purchaseInvoices")),
        Err(other) => {
            let message = other.to_string();
            Err(refuse(
                StatusCode::BAD_REQUEST,
                "Application_DialogException",
                &message,
            ))
        }
    }
}

/// A path segment: a name, and perhaps a key in parentheses.
#[derive(Clone, Copy, Debug)]
struct Segment<'a> {
    name: &'a str,
    key: Option<&'a str>,
}

impl<'a> Segment<'a> {
    fn parse(segment: &'a str) -> Self {
        let keyed = segment
            .strip_suffix(')')
            .and_then(|rest| rest.split_once('('));
        keyed.map_or(
            Self {
                name: segment,
                key: None,
            },
            |(name, key)| Self {
                name,
                key: Some(key),
            },
        )
    }
}
