//! Reading companies, invoices and lines.
//!
//! A listing is a snapshot taken under the lock and written outside it. Pages are keyed
//! by the last id, so a row inserted before the cursor is not seen, as in the service.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::erp::Company;
use super::fields::Select;
use super::invoices::{INVOICE_FIELDS, Invoice, InvoiceJson, LINE_FIELDS, LineJson, Shape};
use super::odata::{self, Filter, QueryError};
use super::status::InvoiceStatus;
use super::{Inquiry, not_found, refuse};
use crate::errors::Refusal;
use crate::faults::FaultKind;

/// What an answer showed; entered in the verdict once the answer is really sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed(pub(crate) Vec<(Uuid, InvoiceStatus)>);

#[derive(Serialize)]
struct Listing<'a, T> {
    #[serde(rename = "@odata.context")]
    context: String,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<&'a str>,
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

    /// Runs `read` on a company, or answers that there is none.
    fn with_company<T>(&self, id: Uuid, read: impl FnOnce(&Company) -> T) -> Result<T, Refusal> {
        let world = self.shared.world();
        let missing = || {
            let message = "The company does not exist.";
            refuse(StatusCode::NOT_FOUND, "Internal_CompanyNotFound", message)
        };
        world.erp.company(id).map(read).ok_or_else(missing)
    }

    fn shape(&self) -> Result<Shape, QueryError> {
        let mut shape = Shape::default();
        if let Some(list) = self.option("$select") {
            shape.select =
                Select::parse(&list, INVOICE_FIELDS).map_err(QueryError::UnknownField)?;
        }
        if let Some(expand) = self.option("$expand") {
            let inner = expand
                .strip_prefix("purchaseInvoiceLines")
                .ok_or_else(|| QueryError::UnknownField(expand.clone()))?;
            let list = inner
                .strip_prefix("($select=")
                .and_then(|rest| rest.strip_suffix(')'));
            let select = list.map(|list| Select::parse(list, LINE_FIELDS));
            let select = select.transpose().map_err(QueryError::UnknownField)?;
            shape.expand_lines = Some(select.unwrap_or_default());
        }
        Ok(shape)
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let code = match error {
            QueryError::StaleSkipToken => "SkipTokenIsNoLongerValid",
            QueryError::DistinctOr => "BadRequest_MethodNotImplemented",
            QueryError::UnknownField(_) => "BadRequest",
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

fn find(inquiry: &Inquiry, company: Uuid, id: &str) -> Result<Arc<Invoice>, Refusal> {
    let id = id.parse().map_err(|_| not_found("purchaseInvoices"))?;
    let lag = inquiry.lag();
    let row = inquiry.with_company(company, |company| company.row(id, lag))?;
    row.ok_or_else(|| not_found("purchaseInvoices"))
}

/// `GET companies({id})/purchaseInvoices({id})`.
pub(super) fn one(inquiry: &Inquiry, company: Uuid, id: &str) -> Result<Response, Refusal> {
    let shape = inquiry.shape()?;
    let invoice = find(inquiry, company, id)?;
    let context = inquiry.context(&format!("companies({company})/purchaseInvoices/$entity"));
    let json = InvoiceJson {
        invoice: &invoice,
        shape: &shape,
        context: Some(&context),
    };
    Ok(json_response(
        &json,
        Observed(vec![(invoice.id, invoice.status)]),
    ))
}

/// `GET companies({id})/purchaseInvoices({id})/purchaseInvoiceLines`.
pub(super) fn lines(inquiry: &Inquiry, company: Uuid, id: &str) -> Result<Response, Refusal> {
    let select = inquiry
        .option("$select")
        .map(|list| Select::parse(&list, LINE_FIELDS));
    let select = select
        .transpose()
        .map_err(QueryError::UnknownField)?
        .unwrap_or_default();
    let invoice = find(inquiry, company, id)?;
    let lines = invoice.lines();
    let value = lines
        .iter()
        .map(|line| LineJson {
            line,
            select: &select,
        })
        .collect();
    let context = inquiry.context(&format!("companies({company})/purchaseInvoiceLines"));
    let listing = Listing {
        context,
        count: None,
        value,
        next_link: None,
    };
    Ok(json_response(&listing, Observed::default()))
}

/// What a listing asks for.
struct Plan {
    shape: Shape,
    filter: Option<Filter>,
    order: Option<(String, bool)>,
    after: Option<Uuid>,
    page: usize,
    top: Option<usize>,
}

impl Plan {
    fn of(inquiry: &Inquiry) -> Result<Self, QueryError> {
        let filter = inquiry.option("$filter");
        let filter = filter
            .map(|text| Filter::parse(&text, INVOICE_FIELDS))
            .transpose()?;
        let order = inquiry.option("$orderby").map(|text| {
            let (name, direction) = text.split_once(' ').unwrap_or((&text, "asc"));
            (name.to_owned(), direction.trim() == "desc")
        });
        let after = inquiry.option("$skiptoken");
        let after = after.map(|token| token.parse()).transpose();
        let max = inquiry.shared.config.max_page;
        let preferred = inquiry.headers.get_all("prefer").iter().find_map(|prefer| {
            let page = prefer.to_str().ok()?.split("odata.maxpagesize=").nth(1)?;
            page.split([',', ';']).next()?.trim().parse::<usize>().ok()
        });
        Ok(Self {
            shape: inquiry.shape()?,
            filter,
            order,
            after: after.map_err(|_| QueryError::StaleSkipToken)?,
            page: preferred.unwrap_or(max).clamp(1, max),
            top: inquiry.option("$top").and_then(|top| top.parse().ok()),
        })
    }

    /// Keeps what passes, in the order asked for, after the cursor.
    fn arrange(&self, mut rows: Vec<Arc<Invoice>>) -> Result<Vec<Arc<Invoice>>, QueryError> {
        if let Some(filter) = &self.filter {
            rows.retain(|invoice| filter.accepts(&**invoice, INVOICE_FIELDS));
        }
        let Some((name, descending)) = &self.order else {
            return Ok(rows);
        };
        let (_, cell) = INVOICE_FIELDS
            .iter()
            .find(|(field, _)| field == name)
            .ok_or_else(|| QueryError::UnknownField(name.clone()))?;
        rows.sort_by(|one, other| {
            let order = odata::compare(&cell(one), &cell(other).spelled());
            let order = order.unwrap_or(std::cmp::Ordering::Equal);
            if *descending { order.reverse() } else { order }
        });
        let Some(after) = self.after else {
            return Ok(rows);
        };
        let cursor = rows.iter().position(|invoice| invoice.id == after);
        cursor
            .map(|cursor| rows.split_off(cursor + 1))
            .ok_or(QueryError::StaleSkipToken)
    }
}

/// `GET companies({id})/purchaseInvoices`.
pub(super) fn list(inquiry: &Inquiry, company: Uuid) -> Result<Response, Refusal> {
    let plan = Plan::of(inquiry)?;
    // With an order of its own, the cursor is found after sorting.
    let after = plan.after.filter(|_| plan.order.is_none());
    let lag = inquiry.lag();
    let rows = inquiry.with_company(company, |company| company.visible(lag, after))?;
    let mut rows = plan.arrange(rows)?;
    let wants_count = inquiry
        .option("$count")
        .is_some_and(|wanted| wanted == "true");
    let count = wants_count.then_some(rows.len());
    // `$top` suppresses the link: what it cuts off cannot be paged to.
    let more = plan.top.is_none() && rows.len() > plan.page;
    rows.truncate(plan.top.unwrap_or(plan.page).min(plan.page));
    let next_link = rows
        .last()
        .filter(|_| more)
        .map(|last| next_link(inquiry, company, last.id));
    let shape = &plan.shape;
    let value = rows
        .iter()
        .map(|invoice| InvoiceJson {
            invoice,
            shape,
            context: None,
        })
        .collect();
    let context = inquiry.context(&format!("companies({company})/purchaseInvoices"));
    let listing = Listing {
        context,
        count,
        value,
        next_link: next_link.as_deref(),
    };
    let observed = rows
        .iter()
        .map(|invoice| (invoice.id, invoice.status))
        .collect();
    Ok(json_response(&listing, Observed(observed)))
}

/// The absolute link to the next page; it repeats the query's own options.
fn next_link(inquiry: &Inquiry, company: Uuid, last: Uuid) -> String {
    let pairs =
        url::form_urlencoded::parse(inquiry.query.as_deref().unwrap_or_default().as_bytes());
    let kept: BTreeMap<String, String> = pairs
        .into_owned()
        .filter(|(name, _)| name != "aid" && name != "$skiptoken")
        .collect();
    let option = |(name, value): (String, String)| {
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{name}={}&", value.replace('+', "%20"))
    };
    let query: String = kept.into_iter().map(option).collect();
    format!(
        "{}/companies({company})/purchaseInvoices?{query}aid=FIN&$skiptoken={last}",
        inquiry.root()
    )
}
