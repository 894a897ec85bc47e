//! The API `microsoft/runtime/beta`, as far as webhooks need it.

use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use super::{Inquiry, not_found, refuse, supported, webhook_log};
use crate::errors::Refusal;

/// Its route, between environment and company.
pub(super) const ROUTE: &str = "api/microsoft/runtime/beta";

/// `GET companies({id})/{set}`.
pub(super) fn read(inquiry: &Inquiry, key: Option<&str>, set: &str) -> Result<Response, Refusal> {
    let company = key.and_then(|id| id.parse::<Uuid>().ok());
    let company = company.ok_or_else(|| not_found("companies"))?;
    let known = inquiry.shared.world().erp.company(company).is_some();
    match set {
        _ if !known => {
            let message = "The company does not exist.";
            Err(refuse(
                StatusCode::NOT_FOUND,
                "Internal_CompanyNotFound",
                message,
            ))
        }
        "webhookSupportedResources" => supported::list(inquiry, company),
        "webhookLogs" => Ok(webhook_log::list(inquiry, company)),
        other => Err(not_found(other)),
    }
}
