//! The verbs on any table: make, change, delete and seed records by the names of the API.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Made, News, RecordChange, VerbError};
use crate::business_central::cells::Cell;
use crate::business_central::records::Record;
use crate::business_central::rules;
use crate::business_central::tables::{self, Leads, Table};
use crate::state::{Shared, World};

/// A field's value, or why it cannot be one.
fn put(table: &Table, record: &mut Record, name: &str, value: &Value) -> Result<(), VerbError> {
    let field = table.field(name).ok_or_else(|| no_field(table, name))?;
    let bad = || VerbError::BadValue {
        set: table.set.clone(),
        field: name.to_owned(),
        value: value.to_string(),
    };
    record.put(field, field.kind.given(value).ok_or_else(bad)?);
    Ok(())
}

fn no_field(table: &Table, name: &str) -> VerbError {
    let fields = table.fields.iter().map(|field| field.name.as_str());
    let navigations = table.navigations.iter().map(|it| it.name.as_str());
    VerbError::NoSuchField {
        set: table.set.clone(),
        field: name.to_owned(),
        known: fields.chain(navigations).collect::<Vec<_>>().join(", "),
    }
}

/// A list of records under a navigation; none if `name` is no such navigation.
fn kept_inside(
    table: &'static Table,
    name: &str,
    value: &Value,
) -> Result<Option<(&'static Table, Vec<Record>)>, VerbError> {
    let navigation = table.navigation(name).map(|it| &it.leads);
    let (Some(Leads::Inside(set)), Some(list)) = (navigation, value.as_array()) else {
        return Ok(None);
    };
    let inside = tables::named(set).expect("the tables are checked when they are read");
    let read = |value: &Value| {
        let mut record = Record::new(Uuid::nil());
        let fields = value.as_object().ok_or_else(|| VerbError::BadValue {
            set: table.set.clone(),
            field: name.to_owned(),
            value: value.to_string(),
        })?;
        for (name, value) in fields {
            put(inside, &mut record, name, value)?;
        }
        Ok(record)
    };
    let records = list.iter().map(read).collect::<Result<_, VerbError>>()?;
    Ok(Some((inside, records)))
}

impl World {
    /// Sets what a change says; lists kept inside come last, since they look at their parent.
    pub(super) fn apply(
        &self,
        company: usize,
        table: &'static Table,
        record: &mut Record,
        fields: &Map<String, Value>,
    ) -> Result<(), VerbError> {
        let mut lists = Vec::new();
        for (name, value) in fields {
            match kept_inside(table, name, value)? {
                Some(list) => lists.push(list),
                None => put(table, record, name, value)?,
            }
        }
        let company = &self.erp.companies[company];
        for (inside, records) in lists {
            let settled = rules::settle_inside(company, (table, record), inside, records);
            record.keep(&inside.set, settled);
        }
        Ok(())
    }

    /// The record that a change names.
    pub(super) fn named(
        &self,
        table: &Table,
        change: &RecordChange,
    ) -> Result<(usize, Arc<Record>), VerbError> {
        let companies = match change.company.as_deref() {
            None => 0..self.erp.companies.len(),
            named => Shared::company(self, named).map(|index| index..index + 1)?,
        };
        let found = |index: usize| {
            let rows = self.erp.companies[index].rows(table);
            let by_number = || rows.numbered(change.number.as_ref()?);
            let id = change.id.or_else(by_number)?;
            Some((index, rows.row(id, None)?))
        };
        let named = || change.number.clone().or(change.id.map(|id| id.to_string()));
        companies
            .clone()
            .find_map(found)
            .ok_or_else(|| VerbError::NoSuchRecord {
                set: table.set.clone(),
                named: named().unwrap_or_default(),
            })
    }

    /// Makes a record of what a change says and of what the ERP fills in.
    pub(super) fn create(&mut self, change: &RecordChange, news: News) -> Result<Made, VerbError> {
        let table = change.table()?;
        // No card is about what was always there.
        if news != News::Seeded {
            self.oracle.generic_verb_on(&table.set);
        }
        let company = Shared::company(self, change.company.as_deref())?;
        let mut record = Record::new(change.id.unwrap_or_else(Uuid::new_v4));
        let own = |(name, _): &(&String, &Value)| table.field(name).is_some();
        let fields: Map<_, _> = change
            .fields
            .iter()
            .filter(own)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.apply(company, table, &mut record, &fields)?;
        if let (Some(key), Some(number)) = (table.key_field(), &change.number) {
            put(table, &mut record, &key.name, &Value::from(number.as_str()))?;
        }
        record.posted = change.posted || Self::is_posted_status(table, &record);
        if change.posted {
            record.fill(table, "status", || Cell::Member("Open"));
        }
        rules::complete(&mut self.erp, company, table, &mut record);
        // Only now does the record have the number and the id that lists inside refer to.
        self.apply(company, table, &mut record, &change.fields)?;
        rules::lines(table, &mut record, 1);
        if record.posted {
            self.enter_ledger(company, table, &record, news);
        }
        Ok(self.write(company, table, record, news))
    }

    /// Changes the record that is named, by `edit` and by what the change says.
    pub(super) fn edit(
        &mut self,
        change: &RecordChange,
        news: News,
        edit: impl FnOnce(&mut Self, usize, &mut Record) -> Result<(), VerbError>,
    ) -> Result<Made, VerbError> {
        let table = change.table()?;
        self.oracle.generic_verb_on(&table.set);
        if table.ledger {
            return Err(VerbError::OnlyAdded(table.set.clone()));
        }
        let (company, record) = self.named(table, change)?;
        let mut record = (*record).clone();
        edit(self, company, &mut record)?;
        self.apply(company, table, &mut record, &change.fields)?;
        Ok(self.write(company, table, record, news))
    }
}

/// The verbs, as the handle and the control API offer them.
impl Shared {
    /// Makes a record.
    pub(crate) fn create_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.change(|world, news| world.create(change, change.news(news)))
    }

    /// Makes `count` records of which nobody is told; only the last is named.
    pub(crate) fn seed_records(
        &self,
        change: &RecordChange,
        count: usize,
    ) -> Result<Vec<Made>, VerbError> {
        self.change(|world, _| {
            (0..count)
                .map(|_| world.create(change, News::Seeded))
                .collect()
        })
    }

    /// Changes a record.
    pub(crate) fn change_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.change(|world, news| world.edit(change, change.news(news), |_, _, _| Ok(())))
    }

    /// Lets a record say that it was last changed at `at`; nobody is told.
    pub(crate) fn backdate_record(
        &self,
        change: &RecordChange,
        at: Timestamp,
    ) -> Result<(), VerbError> {
        self.change(|world, _| {
            let table = change.table()?;
            let (company, record) = world.named(table, change)?;
            let mut record = (*record).clone();
            record.modified = at;
            let rows = world.erp.companies[company].rows_mut(table);
            rows.commit(table, &Arc::new(record));
            Ok(())
        })
    }

    /// Deletes a record.
    pub(crate) fn delete_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.change(|world, news| {
            let table = change.table()?;
            world.oracle.generic_verb_on(&table.set);
            if table.ledger {
                return Err(VerbError::OnlyAdded(table.set.clone()));
            }
            let (company, record) = world.named(table, change)?;
            world.delete(company, table, record.id, change.news(news));
            let company = world.erp.companies[company].id;
            Ok(Made::of(company, table, &record))
        })
    }
}
