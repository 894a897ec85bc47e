//! A record as JSON, with what was expanded, put together under the lock and written outside it.

use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::erp::Company;
use super::odata::Shape;
use super::records::{Record, etag};
use super::tables::{self, Leads, Navigation, Table};

/// A company as one reader sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) company: &'a Company,
    /// How far the replica lags that answers.
    pub(super) lag: Option<Duration>,
}

impl View<'_> {
    /// Where a navigation leads from a record: to one record at most, or to many.
    pub(super) fn follow(
        self,
        (from, record): (&Table, &Record),
        navigation: &Navigation,
    ) -> Vec<Arc<Record>> {
        let Self { company, lag } = self;
        let table = |set: &str| tables::named(set).expect("the tables are checked when read");
        match &navigation.leads {
            Leads::Inside(set) => record.inside(set).to_vec(),
            Leads::To { set, field } => {
                let id = record.cell(from, field).and_then(|cell| cell.key());
                let found = id.and_then(|id| company.rows(table(set)).row(id, lag));
                found.into_iter().collect()
            }
            Leads::From { set, field } => {
                let table = table(set);
                let mut rows = company.rows(table).visible(lag, None);
                rows.retain(|row| {
                    row.cell(table, field).and_then(|cell| cell.key()) == Some(record.id)
                });
                rows
            }
        }
    }

    /// A record in the shape that was asked for.
    pub(super) fn show<'s>(
        self,
        table: &'static Table,
        record: Arc<Record>,
        shape: &'s Shape,
        version: u64,
    ) -> Shown<'s> {
        let expanded = shape.expand.iter().map(|expand| {
            let mut found = self.follow((table, &record), expand.navigation);
            if let Some(filter) = &expand.filter {
                found.retain(|record| filter.accepts(record, expand.table));
            }
            let inside = matches!(expand.navigation.leads, Leads::Inside(_));
            let shown = found.into_iter().map(|found| {
                let version = if inside { version } else { found.version };
                self.show(expand.table, found, &expand.shape, version)
            });
            let shown = shown.collect();
            (expand.navigation, shown)
        });
        let expanded = expanded.collect();
        Shown {
            table,
            record,
            shape,
            version,
            expanded,
            context: None,
        }
    }
}

/// A record to be written.
#[derive(Debug)]
pub(super) struct Shown<'s> {
    table: &'static Table,
    record: Arc<Record>,
    shape: &'s Shape,
    /// Of the row that holds it: what is kept inside a record has the record's etag.
    version: u64,
    expanded: Vec<(&'static Navigation, Vec<Shown<'s>>)>,
    /// For a record that is not in a listing.
    pub(super) context: Option<String>,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(context) = &self.context {
            map.serialize_entry("@odata.context", context)?;
        }
        map.serialize_entry("@odata.etag", &etag(self.version))?;
        for (place, field) in self.table.fields.iter().enumerate() {
            if self.shape.has(place) {
                map.serialize_entry(&field.name, &*self.record.get(field))?;
            }
        }
        for (navigation, shown) in &self.expanded {
            match navigation.leads {
                Leads::To { .. } => map.serialize_entry(&navigation.name, &shown.first())?,
                _ => map.serialize_entry(&navigation.name, shown)?,
            }
        }
        map.end()
    }
}
