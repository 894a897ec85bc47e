//! Business Central: companies with their tables, and webhook subscriptions.
//!
//! Every request is authorised, counted against the application's limits and then
//! routed by its path, whose segments carry keys in parentheses as OData writes them.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{Method, StatusCode};
use uuid::Uuid;

use crate::errors::{self, Refusal};
use crate::faults::RetryAfter;
use crate::lanes::Window;
use crate::state::{Call, Shared};
use crate::target::{Api, decoded};

mod batch;
pub(crate) mod batches;
mod cells;
pub(crate) mod changes;
mod companies;
pub(crate) mod environments;
mod erp;
mod inquiry;
mod maintenance;
mod mischief;
pub(crate) mod notifications;
mod odata;
mod reads;
mod records;
mod rules;
mod runtime;
mod show;
mod sightings;
mod slots;
mod status;
pub(crate) mod subscriptions;
mod supported;
pub(crate) mod tables;
mod webhook_log;
mod webhooks;

pub use changes::{Made, NewInvoice, Posted, RecordChange, VerbError, Which};
pub use environments::EnvironmentError;
pub(crate) use environments::Environments;
pub(crate) use erp::Erp;
use inquiry::{Inquiry, Segment, unquoted};
pub use sightings::Sighting;
pub(crate) use sightings::{Observed, Sightings};
pub(crate) use slots::AppSlots;
pub use status::InvoiceStatus;
pub use webhooks::WebhookCounts;

/// Requests per application in a sliding window. Source: operational limits page, 2026.
const RATE: (usize, u64) = (6_000, 300);
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
    Path((tenant, environment, _)): Path<(String, String, String)>,
    Extension(call): Extension<Call>,
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
    // Empty, `bc`, `v2.0`, tenant and environment come before it.
    let path = parts.uri.path().splitn(6, '/').nth(5);
    let inquiry = Inquiry {
        shared,
        environment,
        call,
        headers: parts.headers,
        path: path.unwrap_or_default().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        body,
    };
    if inquiry.is_too_long() {
        return Err(too_long());
    }
    answer(inquiry, &parts.method).await
}

/// The answer of a server in front of the service, which knows no OData.
fn too_long() -> Refusal {
    let page = "<html><body><h2>Request URL Too Long</h2></body></html>";
    (StatusCode::URI_TOO_LONG, Html(page))
        .into_response()
        .into()
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

async fn answer(inquiry: Inquiry, method: &Method) -> Result<Response, Refusal> {
    let (route, rest) = inquiry.split();
    let segments: Vec<String> = rest.split('/').map(decoded).collect();
    let segments: Vec<Segment<'_>> = segments.iter().map(|it| Segment::parse(it)).collect();
    let names: Vec<&str> = segments.iter().map(|segment| segment.name).collect();
    match (method.as_str(), &names[..]) {
        ("POST", ["$batch"]) => batch::handle(&inquiry).await,
        (_, ["subscriptions"]) => {
            subscriptions::handle(&inquiry, route, method, segments[0].key).await
        }
        ("GET", ["companies", set]) if route == runtime::ROUTE => {
            runtime::read(&inquiry, segments[0].key, set)
        }
        ("POST", ["companies", "purchaseInvoices", "Microsoft.NAV.post"]) => {
            post(&inquiry, segments[1].key)
        }
        ("GET", _) => read(&inquiry, &segments),
        (_, ["companies", set, ..]) if tables::all().iter().any(|table| table.set == *set) => {
            Err(method_not_allowed())
        }
        _ => Err(not_found(names.first().copied().unwrap_or_default())),
    }
}

/// A `GET`: alone, or one operation of a batch.
fn read(inquiry: &Inquiry, segments: &[Segment<'_>]) -> Result<Response, Refusal> {
    let (company, rest) = match segments {
        [
            Segment {
                name: "companies",
                key,
            },
        ] => return reads::companies(inquiry, *key),
        [
            Segment {
                name: "companies" | "Company",
                key,
            },
            rest @ ..,
        ] => (*key, rest),
        rest => (None, rest),
    };
    // Without a company in the path it may be named in the query.
    let named = company.map(unquoted);
    let named = named.or_else(|| inquiry.option("company"));
    let first = rest.first().map_or("companies", |segment| segment.name);
    let named = named.ok_or_else(|| not_found(first))?;
    let company = named.parse::<Uuid>().ok().or_else(|| {
        let world = inquiry.shared.world();
        let index = world.erp.company_index(Some(&named))?;
        Some(world.erp.companies[index].id)
    });
    let company = company.ok_or_else(|| not_found("companies"))?;
    reads::within(inquiry, company, rest)
}

fn method_not_allowed() -> Refusal {
    let (code, message) = ("BadRequest_MethodNotAllowed", "The method is not allowed.");
    refuse(StatusCode::METHOD_NOT_ALLOWED, code, message)
}

/// The bound action `Microsoft.NAV.post`.
fn post(inquiry: &Inquiry, id: Option<&str>) -> Result<Response, Refusal> {
    let id = id.and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| not_found("purchaseInvoices"))?;
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
