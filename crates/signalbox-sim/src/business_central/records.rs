//! Records and the rows that hold them: what is committed, and what a lagging replica still shows.
//!
//! A record says only what differs from its table's defaults. Versions are shared, never
//! changed in place, so that a reader's snapshot costs nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::cells::Cell;
use super::tables::{Field, Kept, Table};

/// One version of a record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    /// Row version, the heart of the etag.
    pub(crate) version: u64,
    pub(crate) modified: Timestamp,
    /// Whether a document has been posted; the API tells it only by the status, and not always.
    pub(crate) posted: bool,
    /// In the order of slots, only what differs from the default.
    values: Vec<(usize, Cell)>,
    /// What is kept inside, by navigation.
    inside: Vec<(&'static str, Vec<Arc<Record>>)>,
}

impl Record {
    /// A record that says nothing yet.
    pub(crate) fn new(id: Uuid) -> Self {
        Self {
            id,
            version: 0,
            modified: Timestamp::UNIX_EPOCH,
            posted: false,
            values: Vec::new(),
            inside: Vec::new(),
        }
    }

    /// The value of a field.
    pub(crate) fn get<'a>(&'a self, field: &'a Field) -> Cow<'a, Cell> {
        match field.kept {
            Kept::Id => Cow::Owned(Cell::Key(self.id)),
            Kept::Modified => Cow::Owned(Cell::Moment(self.modified)),
            Kept::Slot(slot) => Cow::Borrowed(match self.place(slot) {
                Ok(place) => &self.values[place].1,
                Err(_) => &field.default,
            }),
        }
    }

    /// The value of a field by name; none where the table has no such field.
    pub(crate) fn cell(&self, table: &Table, name: &str) -> Option<Cell> {
        table.field(name).map(|field| self.get(field).into_owned())
    }

    /// The text of a field by name, as the wire spells it.
    pub(crate) fn text(&self, table: &Table, name: &str) -> String {
        let cell = self.cell(table, name);
        cell.map(|cell| cell.spelled()).unwrap_or_default()
    }

    /// The status's caption, if the table has one.
    pub(crate) fn status(&self, table: &Table) -> Option<&'static str> {
        match self.cell(table, "status")? {
            Cell::Member(caption) => Some(caption),
            _ => None,
        }
    }

    /// What people call it: its number, code or entry number.
    pub(crate) fn number(&self, table: &Table) -> String {
        let key = table.key_field();
        key.map(|key| self.get(key).spelled()).unwrap_or_default()
    }

    /// Whether a field says anything of its own.
    pub(crate) fn says(&self, table: &Table, name: &str) -> bool {
        match table.field(name).map(|field| field.kept) {
            Some(Kept::Slot(slot)) => self.place(slot).is_ok(),
            _ => false,
        }
    }

    /// Gives a field a value.
    pub(crate) fn put(&mut self, field: &Field, cell: Cell) {
        match (field.kept, cell) {
            (Kept::Id, Cell::Key(id)) => self.id = id,
            (Kept::Slot(slot), cell) => match self.place(slot) {
                Ok(place) => self.values[place].1 = cell,
                Err(place) => self.values.insert(place, (slot, cell)),
            },
            // The last change is when it is written.
            _ => {}
        }
    }

    /// Where a slot's value is, or would be.
    fn place(&self, slot: usize) -> Result<usize, usize> {
        self.values.binary_search_by_key(&slot, |(held, _)| *held)
    }

    /// Gives a field a value where the table has such a field.
    pub(crate) fn set(&mut self, table: &Table, name: &str, cell: Cell) {
        if let Some(field) = table.field(name) {
            self.put(field, cell);
        }
    }

    /// Gives a field a value where the table has such a field and the record says nothing of it.
    pub(crate) fn fill(&mut self, table: &Table, name: &str, cell: impl FnOnce() -> Cell) {
        if table.field(name).is_some() && !self.says(table, name) {
            self.set(table, name, cell());
        }
    }

    /// What is kept inside under this navigation.
    pub(crate) fn inside(&self, navigation: &str) -> &[Arc<Record>] {
        let held = self.inside.iter().find(|(name, _)| *name == navigation);
        held.map_or(&[], |(_, records)| records)
    }

    /// Keeps `records` inside under this navigation.
    pub(crate) fn keep(&mut self, navigation: &'static str, records: Vec<Record>) {
        let records = records.into_iter().map(Arc::new).collect();
        self.inside.retain(|(name, _)| *name != navigation);
        self.inside.push((navigation, records));
    }
}

/// An etag in the service's form: opaque to readers, unique per row version.
pub(crate) fn etag(version: u64) -> String {
    format!("W/\"JzE5OzEw{version:016x}MDA7Jw==\"")
}

/// A row: what is committed (nothing once it is deleted), and what was before.
#[derive(Clone, Debug)]
struct Row {
    current: Option<Arc<Record>>,
    previous: Option<Arc<Record>>,
    changed: Instant,
}

impl Row {
    /// As read: with a lag, a change within it has not arrived yet.
    fn seen(&self, lag: Option<Duration>) -> Option<Arc<Record>> {
        let stale = lag.is_some_and(|lag| self.changed.elapsed() < lag);
        if stale {
            self.previous.clone()
        } else {
            self.current.clone()
        }
    }
}

/// The rows of a table in one company.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// Ordered by key, as a plain listing is.
    by_id: BTreeMap<Uuid, Row>,
    by_number: HashMap<String, Uuid>,
    /// Next of the series for drafts or master data, and for posted documents.
    pub(crate) next: (u64, u64),
}

impl Rows {
    /// No rows; the series begin with these numbers.
    pub(crate) fn from(next: (u64, u64)) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    /// The rows after `key`, as committed or as a replica lags behind.
    pub(crate) fn visible(&self, lag: Option<Duration>, after: Option<Uuid>) -> Vec<Arc<Record>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let rows = self.by_id.range((from, Unbounded));
        rows.filter_map(|(_, row)| row.seen(lag)).collect()
    }

    /// One record, as committed or as a replica lags behind.
    pub(crate) fn row(&self, id: Uuid, lag: Option<Duration>) -> Option<Arc<Record>> {
        self.by_id.get(&id)?.seen(lag)
    }

    /// The id of what people call so.
    pub(crate) fn numbered(&self, number: &str) -> Option<Uuid> {
        self.by_number.get(number).copied()
    }

    /// Commits a version; says what it replaced.
    pub(crate) fn commit(&mut self, table: &Table, record: &Arc<Record>) -> Option<Arc<Record>> {
        let previous = self.remove(table, record.id);
        if table.key.is_some() {
            self.by_number.insert(record.number(table), record.id);
        }
        let row = Row {
            current: Some(Arc::clone(record)),
            previous: previous.clone(),
            changed: Instant::now(),
        };
        self.by_id.insert(record.id, row);
        previous
    }

    /// Deletes a record; a lagging replica shows it for a while.
    pub(crate) fn remove(&mut self, table: &Table, id: Uuid) -> Option<Arc<Record>> {
        let row = self.by_id.get_mut(&id)?;
        let previous = row.current.take()?;
        row.previous = Some(Arc::clone(&previous));
        row.changed = Instant::now();
        let number = previous.number(table);
        if self.by_number.get(&number) == Some(&id) {
            self.by_number.remove(&number);
        }
        Some(previous)
    }
}
