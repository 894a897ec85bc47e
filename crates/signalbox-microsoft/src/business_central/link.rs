//! Links into the web client, made by hand because the API gives none (facts, Business Central §6.22).

use signalbox_core::Record;
use url::Url;

use super::{BusinessCentralOptions, entity::EntitySet};
use crate::{odata::query::literal, service::join};

/// The page of `record`, filtered by its number.
pub(super) fn web_link(
    options: &BusinessCentralOptions,
    set: &EntitySet,
    company_name: &str,
    record: &Record,
) -> Option<Url> {
    let number = set.document_of(record);
    let page = set.page.filter(|_| !number.is_empty())?;
    let id = if is_posted(set, record) {
        page.id
    } else {
        page.unposted_id
    };
    let filter = format!("'{}' IS {}", page.field, literal(&number));
    let base = join(
        &options.web_client_base,
        [&*options.tenant, &options.environment],
    );
    let query = [
        ("company", company_name),
        ("page", &id.to_string()),
        ("filter", &filter),
    ];
    Some(crate::odata::query::with_query(base, &query))
}

/// Drafts and what waits for approval are on another page than what was posted.
fn is_posted(set: &EntitySet, record: &Record) -> bool {
    let says = |field: &str, value: serde_json::Value| record.get(field) == Some(&value);
    !set.is_draft(record) && !says("status", "In Review".into()) && !says("posted", false.into())
}
