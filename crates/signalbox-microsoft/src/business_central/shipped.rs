//! The entity sets that come with Signalbox: a new one is a new table and no code.
//!
//! Only fields that every supported version has may stand here: an unknown name in `$select` is a 400
//! (facts, Business Central §3).

mod ledger;
mod masters;
mod purchases;
mod sales;

use super::entity::{Api, Dimensions, EntitySet, Page};

/// A document and an entry carry the dimensions that it was posted with.
const OF_A_SET: Dimensions = Dimensions {
    navigation: "dimensionSetLines",
    code: "code",
    value: "valueCode",
};

/// Whoever or whatever documents are about carries those that they begin with.
const BY_DEFAULT: Dimensions = Dimensions {
    navigation: "defaultDimensions",
    code: "dimensionCode",
    value: "dimensionValueCode",
};

/// Whether something is blocked, in words.
const IS_BLOCKED: &str = "'yes' if record.blocked else 'no'";

/// All of them.
pub(super) fn sets() -> Vec<EntitySet> {
    vec![
        ledger::accounts(),
        ledger::entries(),
        masters::customers(),
        masters::employees(),
        masters::items(),
        masters::vendors(),
        purchases::credit_memos(),
        purchases::invoices(),
        purchases::orders(),
        sales::invoices(),
    ]
}

/// A set of the API v2.0, whose records have an `id`, a `number` and an instant of their last change.
fn standard(name: &str, card: &str, select: &str) -> EntitySet {
    EntitySet {
        name: name.to_owned(),
        api: Api::Standard,
        key: "id".to_owned(),
        document: "number".to_owned(),
        serial: None,
        modified: Some("lastModifiedDateTime".to_owned()),
        draft: None,
        told_by_ledger: false,
        select: words(select),
        enums: Vec::new(),
        lines: None,
        dimensions: None,
        once: None,
        card: card.to_owned(),
        page: None,
    }
}

/// A document: what it has to say is its status, and nothing while it is a draft.
fn document(name: &str, card: &str, select: &str) -> EntitySet {
    EntitySet {
        draft: Some("Draft".to_owned()),
        enums: words("status"),
        dimensions: Some(OF_A_SET),
        once: Some("record.status".to_owned()),
        ..standard(name, card, select)
    }
}

/// A page of documents that is another one once they are posted.
fn pages(posted: u32, unposted: u32) -> Page {
    Page {
        id: posted,
        unposted_id: unposted,
        field: "No.",
    }
}

/// The page of what is never posted.
fn page(id: u32) -> Page {
    pages(id, id)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
