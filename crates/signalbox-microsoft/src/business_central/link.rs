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
    let number = record.get("number")?.as_str()?;
    let page = set.page?;
    let is_draft = record.get("status").is_some_and(|status| status == "Draft");
    let page = if is_draft { page.draft_id } else { page.id }.to_string();
    let filter = format!("'No.' IS {}", literal(number));
    let base = join(
        &options.web_client_base,
        [&*options.tenant, &options.environment],
    );
    let query = [
        ("company", company_name),
        ("page", &page),
        ("filter", &filter),
    ];
    Some(crate::odata::query::with_query(base, &query))
}
