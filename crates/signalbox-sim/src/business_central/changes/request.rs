//! What a verb on any table is told, and what it answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{News, VerbError};
use crate::business_central::records::Record;
use crate::business_central::tables::{self, Table};

/// A change of one record of any table.
///
/// Fields go by the names of the API. Enums are given by caption (`In Review`) or as on
/// the wire, and what is kept inside a record (`purchaseInvoiceLines`, `dimensionSetLines`,
/// `contactsInformation`) as a list under the name of its navigation, which replaces
/// what was there. A new record gets everything it lacks from the ERP's own rules.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordChange {
    /// Company id or name; the first company, or the first that has the record, if absent.
    pub company: Option<String>,
    /// The entity set: `vendors`, or `contoso/finance/v1.0/vendorLedgerEntries`.
    pub set: String,
    /// Record id.
    pub id: Option<Uuid>,
    /// Number, code or entry number.
    pub number: Option<String>,
    /// Fields to set.
    pub fields: Map<String, Value>,
    /// Made by a delegated admin: nobody is told until the next change of the set that is not silent.
    pub silent: bool,
    /// A new document is a posted one.
    pub posted: bool,
}

impl RecordChange {
    /// A change of a record of `set`.
    pub fn of(set: impl Into<String>) -> Self {
        Self {
            set: set.into(),
            ..Self::default()
        }
    }

    /// The record with this id.
    #[must_use]
    pub fn id(self, id: Uuid) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// The record that people call so.
    #[must_use]
    pub fn number(self, number: impl Into<String>) -> Self {
        Self {
            number: Some(number.into()),
            ..self
        }
    }

    /// In the company of this id or name.
    #[must_use]
    pub fn company(self, company: impl Into<String>) -> Self {
        Self {
            company: Some(company.into()),
            ..self
        }
    }

    /// Sets these fields; anything but a JSON object sets none.
    #[must_use]
    pub fn fields(self, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { fields, ..self }
    }

    /// Tells nobody until the next change of the set that is not silent.
    #[must_use]
    pub fn silent(self) -> Self {
        Self {
            silent: true,
            ..self
        }
    }

    /// Makes a posted document.
    #[must_use]
    pub fn posted(self) -> Self {
        Self {
            posted: true,
            ..self
        }
    }

    pub(super) fn table(&self) -> Result<&'static Table, VerbError> {
        let table = tables::named(&self.set);
        let own = |table: &&'static Table| !table.is_inside() && table.source.is_none();
        table
            .filter(own)
            .ok_or_else(|| VerbError::NoSuchSet(self.set.clone()))
    }

    pub(super) fn news(&self, news: News) -> News {
        match news {
            News::Due(_) if self.silent => News::Silent,
            news => news,
        }
    }
}

/// What a verb made of a record.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// Company id.
    pub company: Uuid,
    /// The entity set.
    pub set: String,
    /// Record id.
    pub id: Uuid,
    /// Number, code or entry number; empty where records have none.
    pub number: String,
    /// Status as on the wire, where the set has one.
    pub status: Option<String>,
    /// When it last changed.
    pub modified: Timestamp,
    /// Row version: higher than every earlier one of any record.
    pub version: u64,
}

impl Made {
    pub(super) fn of(company: Uuid, table: &Table, record: &Record) -> Self {
        Self {
            company,
            set: table.set.clone(),
            id: record.id,
            number: record.number(table),
            status: record.cell(table, "status").map(|cell| cell.spelled()),
            modified: record.modified,
            version: record.version,
        }
    }
}
