//! Reading companies and their tables.
//!
//! A listing is a snapshot taken under the lock and written outside it. Pages are keyed
//! by the last key, so a row inserted before the cursor is not seen, as in the service.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::erp::Company;
use super::odata::{QueryError, Shape};
use super::records::Record;
use super::show::View;
use super::sightings::Observed;
use super::tables::{self, Leads, Navigation, Table};
use super::{Inquiry, Segment, not_found, refuse, unquoted};
use crate::errors::Refusal;
use crate::faults::FaultKind;

mod inside;
mod plan;

use plan::Plan;

#[derive(Serialize)]
struct Listing<T> {
    #[serde(rename = "@odata.context")]
    context: String,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

fn json_response(body: &impl Serialize, observed: Observed) -> Response {
    let text = serde_json::to_vec(body).expect("wire types have no keys that are not text");
    let content_type = "application/json; odata.metadata=minimal; odata.streaming=true";
    let mut response = (
        StatusCode::OK,
        [(header::CONTENT_TYPE, content_type)],
        Body::from(text),
    )
        .into_response();
    response.extensions_mut().insert(observed);
    response
}

impl Inquiry {
    fn context(&self, set: &str) -> String {
        format!("{}/$metadata#{set}", self.root())
    }

    /// How far the replica lags for this read, if it does.
    fn lag(&self) -> Option<Duration> {
        match self.call.fault {
            Some(FaultKind::StaleRead(lag)) if !self.call.read_write => Some(lag),
            _ => None,
        }
    }

    /// Runs `read` on a company as this reader sees it, or answers that there is none.
    fn with_company<T>(&self, id: Uuid, read: impl FnOnce(View<'_>) -> T) -> Result<T, Refusal> {
        let world = self.shared.world();
        let missing = || {
            let message = "The company does not exist.";
            refuse(StatusCode::NOT_FOUND, "Internal_CompanyNotFound", message)
        };
        let company = world.erp.company(id).ok_or_else(missing)?;
        let lag = self.lag();
        Ok(read(View { company, lag }))
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let code = match error {
            QueryError::StaleSkipToken => "SkipTokenIsNoLongerValid",
            QueryError::DistinctOr => "BadRequest_MethodNotImplemented",
            QueryError::UnknownField(..) | QueryError::BadLiteral(..) => "BadRequest",
            QueryError::Syntax(_) => "BadRequest_InvalidRequestUrl",
        };
        refuse(StatusCode::BAD_REQUEST, code, &error.to_string())
    }
}

/// `GET companies`, or one of them.
pub(super) fn companies(inquiry: &Inquiry, key: Option<&str>) -> Result<Response, Refusal> {
    let world = inquiry.shared.world();
    let company = |company: &Company| {
        json!({ "id": company.id, "systemVersion": "28.2.41235.0", "timestamp": 71_204,
            "name": company.name, "displayName": company.name, "businessProfileId": "",
            "systemCreatedAt": "2025-03-05T18:21:07.123Z",
            "systemCreatedBy": "00000000-0000-0000-0000-000000000001",
            "systemModifiedAt": "2025-03-05T18:21:07.123Z",
            "systemModifiedBy": "00000000-0000-0000-0000-000000000001" })
    };
    match key {
        None => {
            let value = world.erp.companies.iter().map(company).collect();
            let context = inquiry.context("companies");
            let listing = Listing {
                context,
                count: None,
                value,
                next_link: None,
            };
            Ok(json_response(&listing, Observed::default()))
        }
        Some(key) => {
            let id = key.parse().ok();
            let found = id.and_then(|id| world.erp.company(id)).map(company);
            let found = found.ok_or_else(|| not_found("companies"))?;
            Ok(json_response(&found, Observed::default()))
        }
    }
}

/// `GET` of what a company holds: a set, a record, or where a navigation leads from it.
pub(super) fn within(
    inquiry: &Inquiry,
    company: Uuid,
    segments: &[Segment<'_>],
) -> Result<Response, Refusal> {
    let (set, rest) = segments
        .split_first()
        .ok_or_else(|| not_found("companies"))?;
    let route = inquiry.split().0;
    let table = tables::at(route, set.name).ok_or_else(|| not_found(set.name))?;
    let place = Place { company, table };
    match (set.key, rest) {
        (None, []) => list(inquiry, place, None),
        (None, [Segment { name: "$count", .. }]) => count(inquiry, place),
        (Some(key), []) => one(inquiry, place, key),
        (Some(key), [Segment { name, key: None }]) => {
            let navigation = table.navigation(name).ok_or_else(|| not_found(name))?;
            along(inquiry, place, (key, navigation))
        }
        (_, [next, ..]) => Err(not_found(next.name)),
    }
}

/// A table of a company.
#[derive(Clone, Copy, Debug)]
struct Place {
    company: Uuid,
    table: &'static Table,
}

impl Place {
    /// The record with this key, as its URL has it.
    fn find(self, view: View<'_>, key: &str) -> Option<Arc<Record>> {
        let table = self.table;
        let field = table.url_key();
        // `(id)`, `('text')` or `(Name='text')`.
        let text = key.rsplit_once('=').map_or(key, |(_, text)| text);
        let cell = field.kind.spelled(&unquoted(text))?;
        if table.is_inside() {
            return inside::all(view, table)
                .into_iter()
                .find(|it| *it.get(field) == cell);
        }
        let rows = view.company.rows(table);
        match cell {
            super::cells::Cell::Key(id) => rows.row(id, view.lag),
            cell => {
                let mut rows = rows.visible(view.lag, None).into_iter();
                rows.find(|row| *row.get(field) == cell)
            }
        }
    }
}

/// `GET companies({id})/{set}({key})`.
fn one(inquiry: &Inquiry, place: Place, key: &str) -> Result<Response, Refusal> {
    let Place { company, table } = place;
    let shape = shape(inquiry, table)?;
    let shown = inquiry.with_company(company, |view| {
        let record = place.find(view, key)?;
        let version = record.version;
        let shown = view.show(table, Arc::clone(&record), &shape, version);
        Some((record, shown))
    })?;
    let (record, mut shown) = shown.ok_or_else(|| not_found(&table.set))?;
    let context = inquiry.context(&format!("companies({company})/{}/$entity", table.set));
    shown.context = Some(context);
    let observed = Observed::of((&inquiry.environment, company), table, &shape, &[record]);
    Ok(json_response(&shown, observed))
}

/// `GET companies({id})/{set}({key})/{navigation}`.
fn along(
    inquiry: &Inquiry,
    place: Place,
    (key, navigation): (&str, &'static Navigation),
) -> Result<Response, Refusal> {
    let found = inquiry.with_company(place.company, |view| {
        let record = place.find(view, key)?;
        let found = view.follow((place.table, &record), navigation);
        Some((record.version, found))
    })?;
    let (version, found) = found.ok_or_else(|| not_found(&place.table.set))?;
    let to = Place {
        table: navigation.table(),
        ..place
    };
    if !matches!(navigation.leads, Leads::To { .. }) {
        return list(inquiry, to, Some((version, found)));
    }
    let shape = shape(inquiry, to.table)?;
    let record = found.into_iter().next();
    let record = record.ok_or_else(|| not_found(&navigation.name))?;
    let mut shown = inquiry.with_company(to.company, |view| {
        view.show(to.table, Arc::clone(&record), &shape, record.version)
    })?;
    let context = format!("companies({})/{}/$entity", to.company, to.table.set);
    shown.context = Some(inquiry.context(&context));
    let observed = Observed::of(
        (&inquiry.environment, to.company),
        to.table,
        &shape,
        &[record],
    );
    Ok(json_response(&shown, observed))
}

fn shape(inquiry: &Inquiry, table: &'static Table) -> Result<Shape, QueryError> {
    let (select, expand) = (inquiry.option("$select"), inquiry.option("$expand"));
    Shape::parse(table, select.as_deref(), expand.as_deref())
}

/// `GET companies({id})/{set}/$count`.
fn count(inquiry: &Inquiry, place: Place) -> Result<Response, Refusal> {
    let plan = Plan::of(inquiry, place.table)?;
    let rows = inquiry.with_company(place.company, |view| plan.rows(view))??;
    Ok(plan.arrange(rows)?.len().to_string().into_response())
}

/// `GET companies({id})/{set}`, or of what a navigation led to, held by a row of this version.
fn list(
    inquiry: &Inquiry,
    place: Place,
    led: Option<(u64, Vec<Arc<Record>>)>,
) -> Result<Response, Refusal> {
    let Place { company, table } = place;
    let plan = Plan::of(inquiry, table)?;
    plan.may_go_on(inquiry)?;
    let (held_by, rows) = if let Some((version, rows)) = led {
        (Some(version), rows)
    } else {
        let rows = inquiry.with_company(company, |view| plan.rows(view))??;
        (None, rows)
    };
    let mut rows = plan.arrange(rows)?;
    let wants_count = inquiry
        .option("$count")
        .is_some_and(|wanted| wanted == "true");
    let count = wants_count.then_some(rows.len());
    let next_link = plan.cut(inquiry, &mut rows);
    let value = inquiry.with_company(company, |view| {
        let show = |row: &Arc<Record>| {
            let version = held_by.filter(|_| table.is_inside()).unwrap_or(row.version);
            view.show(table, Arc::clone(row), &plan.shape, version)
        };
        rows.iter().map(show).collect::<Vec<_>>()
    })?;
    let context = inquiry.context(&format!("companies({company})/{}", table.set));
    let listing = Listing {
        context,
        count,
        value,
        next_link,
    };
    let observed = Observed::of((&inquiry.environment, company), table, &plan.shape, &rows);
    Ok(json_response(&listing, observed))
}
