//! What tables there are and what their records hold, read once from `tables.txt`.
//!
//! `$select`, `$filter`, `$expand`, the JSON of a record and the verbs all go by this one
//! description, so that they can never disagree about what exists.

use std::sync::LazyLock;

use super::cells::{Cell, Kind};

mod text;

/// The route of the standard API.
pub(crate) const STANDARD: &str = "api/v2.0";
/// The set of purchase invoices, which has verbs and an oracle of its own.
pub(crate) const PURCHASE_INVOICES: &str = "purchaseInvoices";

/// Where a record keeps what a field shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    /// It is the record's id.
    Id,
    /// It is the instant of the record's last change.
    Modified,
    /// Among its values, in this slot; not the field's own place where the table shows
    /// another's rows.
    Slot(usize),
}

/// A field of a table.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What a record holds that says nothing else.
    pub(crate) default: Cell,
    pub(crate) kept: Kept,
    /// Whether what readers were shown of it is remembered.
    pub(crate) watched: bool,
}

/// Where a navigation leads.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Leads {
    /// To the records of this table that are kept inside the record.
    Inside(String),
    /// To the one record of a table whose id this field holds.
    To { set: String, field: String },
    /// To the records of a table that hold this record's id in a field.
    From { set: String, field: String },
}

/// A navigation property.
#[derive(Debug)]
pub(crate) struct Navigation {
    pub(crate) name: String,
    pub(crate) leads: Leads,
}

/// A number series: `PPI-108001`, `PPI-108002`, …
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) prefix: String,
    pub(crate) width: usize,
    pub(crate) first: u64,
    pub(crate) step: u64,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its place among all tables.
    pub(crate) index: usize,
    /// The entity set's name in URLs.
    pub(crate) set: String,
    /// The entity type's name in messages.
    pub(crate) type_name: String,
    /// The path between environment and company: `api/v2.0`, `api/{publisher}/{group}/{version}`, `ODataV4`.
    pub(crate) route: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) navigations: Vec<Navigation>,
    /// The field by which people name a record.
    pub(crate) key: Option<String>,
    pub(crate) series: Option<Series>,
    /// The series of posted documents.
    pub(crate) posted: Option<Series>,
    /// The tables whose records keep this table's.
    pub(crate) parents: Vec<String>,
    /// The field that holds the parent document's id.
    pub(crate) document: Option<String>,
    /// The table whose rows it shows.
    pub(crate) source: Option<String>,
    /// Whether rows are only ever added.
    pub(crate) ledger: bool,
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    text::parse(include_str!("tables/tables.txt")).expect("the tables that are built in are valid")
});

/// Every table.
pub(crate) fn all() -> &'static [Table] {
    &TABLES
}

/// The table of this set: `vendors`, `vendorLedgerEntries` or, with its route,
/// `contoso/finance/v1.0/vendorLedgerEntries`.
pub(crate) fn named(set: &str) -> Option<&'static Table> {
    all()
        .iter()
        .find(|table| table.set == set || table.subscribed() == set)
}

/// The table of this set under a route.
pub(crate) fn at(route: &str, set: &str) -> Option<&'static Table> {
    all()
        .iter()
        .find(|table| table.route == route && table.set == set)
}

impl Table {
    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The navigation of this name.
    pub(crate) fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations
            .iter()
            .find(|navigation| navigation.name == name)
    }

    /// Where the rows are: those of another table for a view.
    pub(crate) fn rows(&self) -> &'static Table {
        let set = self.source.as_ref().unwrap_or(&self.set);
        named(set).expect("the tables are checked when they are read")
    }

    /// Whether its records live only inside others.
    pub(crate) fn is_inside(&self) -> bool {
        !self.parents.is_empty()
    }

    /// The set as subscriptions and changes name it: with its route unless it is a standard one.
    pub(crate) fn subscribed(&self) -> String {
        match self.route.strip_prefix("api/") {
            Some("v2.0") | None => self.set.clone(),
            Some(route) => format!("{route}/{}", self.set),
        }
    }

    /// The field that records are keyed by in URLs: `id`, or a text where there is none.
    pub(crate) fn url_key(&self) -> &Field {
        let id = self.field("id");
        id.or_else(|| self.key_field()).unwrap_or(&self.fields[0])
    }

    /// The field by which people name a record.
    pub(crate) fn key_field(&self) -> Option<&Field> {
        self.field(self.key.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_leads_only_to_tables_and_fields_that_exist() {
        for table in all() {
            assert!(!table.fields.is_empty(), "{}", table.set);
            for parent in &table.parents {
                let parent = named(parent).unwrap();
                assert!(parent.navigation(&table.set).is_some(), "{}", table.set);
            }
            for navigation in &table.navigations {
                match &navigation.leads {
                    Leads::Inside(set) => assert!(named(set).unwrap().is_inside(), "{set}"),
                    Leads::To { set, field } => {
                        assert!(
                            named(set).is_some() && table.field(field).is_some(),
                            "{set}"
                        );
                    }
                    Leads::From { set, field } => {
                        assert!(named(set).unwrap().field(field).is_some(), "{set}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_custom_page_is_named_by_its_route_in_subscriptions() {
        let table = at("api/contoso/finance/v1.0", "vendorLedgerEntries").unwrap();
        assert_eq!(
            table.subscribed(),
            "contoso/finance/v1.0/vendorLedgerEntries"
        );
        assert_eq!(named(&table.subscribed()).unwrap().index, table.index);
    }
}
