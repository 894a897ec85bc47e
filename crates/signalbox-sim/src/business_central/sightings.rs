//! What readers were shown: which values of which record, and when.
//!
//! An answer counts once it is really sent, and only the fields that it showed: a sweep
//! of ids shows no status, and what came along with a record by `$expand` is not counted.
//! One entry per version of a record, the oldest dropped first.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::odata::Shape;
use super::records::Record;
use super::status::InvoiceStatus;
use super::tables::{PURCHASE_INVOICES, Table};
use crate::clock;
use crate::state::World;

/// One version of a record as a reader was shown it.
#[derive(Clone, Debug, Serialize)]
pub struct Sighting {
    /// When an answer first showed it.
    pub at: Timestamp,
    /// When an answer last showed it.
    pub last: Timestamp,
    /// How many answers showed it.
    pub times: u64,
    /// The environment, as the reader's URL named it.
    pub environment: String,
    /// Company id.
    pub company: Uuid,
    /// The entity set.
    pub set: String,
    /// Record id, or the key where records have no id.
    pub record: String,
    /// What answers showed of number, status, amounts and the like, as on the wire.
    pub fields: BTreeMap<String, String>,
    /// Row version, as the verbs name it.
    pub version: u64,
}

/// What an answer showed; entered once the answer is really sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed(Vec<Shown>);

#[derive(Clone, Debug)]
struct Shown {
    environment: Arc<str>,
    company: Uuid,
    table: &'static Table,
    record: Arc<Record>,
    /// Places of the fields that are remembered and were shown.
    places: Arc<[usize]>,
}

impl Observed {
    /// Records of a table in the shape in which they were shown.
    pub(super) fn of(
        (environment, company): (&str, Uuid),
        table: &'static Table,
        shape: &Shape,
        records: &[Arc<Record>],
    ) -> Self {
        let fields = table.fields.iter().enumerate();
        let places: Arc<[usize]> = fields
            .filter(|(place, field)| field.watched && shape.has(*place))
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Self::default();
        }
        let environment: Arc<str> = environment.into();
        let shown = records.iter().map(|record| Shown {
            environment: Arc::clone(&environment),
            company,
            table,
            record: Arc::clone(record),
            places: Arc::clone(&places),
        });
        Self(shown.collect())
    }

    /// Adds what another part of the same answer showed.
    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// A version of a record of a table in a company of an environment.
type Key = (Arc<str>, Uuid, usize, Uuid, u64);

/// What was shown so far.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// Most entries kept.
    kept: usize,
    order: VecDeque<Key>,
    seen: HashMap<Key, Sighting>,
}

impl Sightings {
    /// Nothing yet; at most `kept` entries later.
    pub(crate) fn keeping(kept: usize) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// Every entry kept, in the order of first showing.
    pub(crate) fn all(&self) -> Vec<Sighting> {
        let seen = self.order.iter().filter_map(|key| self.seen.get(key));
        seen.cloned().collect()
    }

    fn enter(&mut self, shown: &Shown, at: Timestamp) {
        let Shown {
            environment,
            company,
            table,
            record,
            places,
        } = shown;
        let named = Arc::clone(environment);
        let key = (named, *company, table.index, record.id, record.version);
        let sighting = self.seen.entry(key.clone()).or_insert_with(|| {
            self.order.push_back(key);
            Sighting {
                at,
                last: at,
                times: 0,
                environment: environment.to_string(),
                company: *company,
                set: table.set.clone(),
                record: record.get(table.url_key()).spelled(),
                fields: BTreeMap::new(),
                version: record.version,
            }
        });
        (sighting.last, sighting.times) = (at, sighting.times + 1);
        for place in places.iter() {
            let field = &table.fields[*place];
            let fields = &mut sighting.fields;
            if !fields.contains_key(&field.name) {
                fields.insert(field.name.clone(), record.get(field).spelled());
            }
        }
        if self.order.len() > self.kept
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

impl World {
    /// Enters what an answer showed.
    pub(crate) fn showed(&mut self, observed: &Observed) {
        let at = clock::now();
        for shown in &observed.0 {
            self.sightings.enter(shown, at);
            let known = self.known_in(&shown.environment, shown.record.id);
            if let (Some(known), Some(status)) = (known, shown.invoice_status()) {
                self.oracle.observed(known, status);
            }
        }
    }
}

impl Shown {
    /// The status of a purchase invoice, if the answer showed it.
    fn invoice_status(&self) -> Option<InvoiceStatus> {
        let is_status = |place: &usize| self.table.fields[*place].name == "status";
        if self.table.set != PURCHASE_INVOICES || !self.places.iter().any(is_status) {
            return None;
        }
        let caption = self.record.status(self.table)?;
        InvoiceStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == caption)
    }
}
