//! Records kept inside others, read by their own set: only with a filter that leads to the parent.

use std::sync::Arc;

use http::StatusCode;

use super::super::odata::Filter;
use super::super::records::Record;
use super::super::show::View;
use super::super::tables::{self, Table};
use crate::errors::Refusal;

/// The records that pass the parent's key in `filter`, or the refusal of the service.
pub(super) fn led_to(
    view: View<'_>,
    table: &Table,
    filter: Option<&Filter>,
) -> Result<Vec<Arc<Record>>, Refusal> {
    let keys = |name: &str| filter.and_then(|filter| filter.keys(table, name));
    if let Some(document) = &table.document {
        if let Some(documents) = keys(document) {
            let documents = parents(view, table).filter(|it| documents.contains(&it.id));
            return Ok(held(documents, table));
        }
        if keys("id").is_some() {
            return Ok(all(view, table));
        }
        let message = "You must specify an Id or a Document Id to get the lines.";
        return Err(refused(message));
    }
    match keys("parentId") {
        Some(ids) if filter.is_some_and(|filter| filter.speaks_of(table, "parentType")) => {
            Ok(held(
                parents(view, table).filter(|it| ids.contains(&it.id)),
                table,
            ))
        }
        _ => Err(refused(
            "You must get to the parent first to get to the dimension set line.",
        )),
    }
}

fn refused(message: &str) -> Refusal {
    super::refuse(
        StatusCode::BAD_REQUEST,
        "Application_DialogException",
        message,
    )
}

/// Every record of a table that is kept inside others.
pub(super) fn all(view: View<'_>, table: &Table) -> Vec<Arc<Record>> {
    held(parents(view, table), table)
}

fn parents<'a>(view: View<'a>, table: &'a Table) -> impl Iterator<Item = Arc<Record>> + 'a {
    let parents = table.parents.iter().filter_map(|set| tables::named(set));
    parents.flat_map(move |parent| view.company.rows(parent).visible(view.lag, None))
}

fn held(parents: impl Iterator<Item = Arc<Record>>, table: &Table) -> Vec<Arc<Record>> {
    parents
        .flat_map(|it| it.inside(&table.set).to_vec())
        .collect()
}
