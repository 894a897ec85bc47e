//! `webhookSupportedResources`: what an environment lets one subscribe to.
//!
//! The list, not the documentation, is the truth of an environment. Its filter takes the
//! wildcards of the ERP inside an OData string, which no other service does.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Inquiry, refuse};
use crate::errors::Refusal;

/// `GET companies({id})/webhookSupportedResources`.
pub(super) fn list(inquiry: &Inquiry, company: Uuid) -> Result<Response, Refusal> {
    let pattern = match inquiry.option("$filter") {
        None => "*".into(),
        Some(filter) => pattern(&filter).ok_or_else(|| {
            let message = format!("Syntax error in '{filter}'.");
            refuse(
                StatusCode::BAD_REQUEST,
                "BadRequest_InvalidRequestUrl",
                &message,
            )
        })?,
    };
    let world = inquiry.shared.world();
    let resources = world.erp.webhooks.resources.iter();
    let value: Vec<Value> = resources
        .filter(|resource| fits(resource, &pattern))
        .map(|resource| json!({ "resource": resource }))
        .collect();
    let context = format!(
        "{}/$metadata#companies({company})/webhookSupportedResources",
        inquiry.root()
    );
    Ok(Json(json!({ "@odata.context": context, "value": value })).into_response())
}

/// The literal of `resource eq '…'`.
fn pattern(filter: &str) -> Option<String> {
    let literal = filter.trim().strip_prefix("resource eq ")?.trim();
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'"))
}

/// Whether `text` fits a pattern in which `*` stands for anything.
fn fits(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("v2.0/vendors", "v2.0*"));
        assert!(fits("v2.0/vendors", "*"));
        assert!(fits("v2.0/vendors", "v2.0/*dor*"));
        assert!(fits("v2.0/vendors", "v2.0/vendors"));
        assert!(!fits("v2.0/vendors", "v2.0/vendor"));
        assert!(!fits("contoso/finance/v2.0/vendors", "v2.0*"));
        assert!(!fits("ab", "ab*b"), "a letter counts once");
    }

    #[test]
    fn the_filter_compares_the_resource() {
        assert_eq!(pattern("resource eq 'v2.0*'").as_deref(), Some("v2.0*"));
        assert_eq!(pattern("name eq 'v2.0*'"), None);
    }
}
