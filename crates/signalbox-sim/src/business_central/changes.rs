//! What people do in Business Central: the one place where rows change.
//!
//! Each verb changes one row in one step together with its pending notifications and
//! its expectation, so that no reader and no verdict sees half of it.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::batches::{Change, ChangeType};
use super::records::Record;
use super::status::InvoiceStatus;
use super::tables::{self, PURCHASE_INVOICES, Table};
use crate::clock;
use crate::state::{Shared, World};

mod documents;
mod error;
mod generic;
mod invoices;
mod masters;
mod request;

pub use error::VerbError;
pub use invoices::{NewInvoice, Posted, Which};
pub use request::{Made, RecordChange};

/// How a change is told to subscribers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum News {
    /// Not at all, and nothing is expected of it: it was always there.
    Seeded,
    /// With the next change of the set that is not silent.
    Silent,
    /// From this moment on.
    Due(Instant),
}

impl News {
    fn due(self) -> Option<Instant> {
        match self {
            Self::Due(due) => Some(due),
            Self::Seeded | Self::Silent => None,
        }
    }
}

/// The table of purchase invoices.
pub(super) fn invoices() -> &'static Table {
    tables::named(PURCHASE_INVOICES).expect("the built-in tables have purchase invoices")
}

fn status_of(table: &Table, record: &Record) -> Option<InvoiceStatus> {
    let caption = record.status(table)?;
    InvoiceStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == caption)
}

impl World {
    /// Writes one version of a record; the only place where rows change.
    pub(super) fn write(
        &mut self,
        company: usize,
        table: &'static Table,
        mut record: Record,
        news: News,
    ) -> Made {
        record.version = self.erp.next_version();
        record.modified = clock::now();
        let company = &mut self.erp.companies[company];
        let (company_id, id) = (company.id, record.id);
        let made = Made::of(company_id, table, &record);
        let record = Arc::new(record);
        let previous = company.rows_mut(table).commit(table, &record);
        let kind = if previous.is_some() {
            ChangeType::Updated
        } else {
            ChangeType::Created
        };
        let before = previous.and_then(|previous| status_of(table, &previous));
        let expectation = self.expect(company_id, (table, &record), before, news);
        if news != News::Seeded {
            let change = Change {
                record: id,
                kind,
                at: made.modified,
                expectation,
            };
            let set = table.subscribed();
            self.erp.enqueue(company_id, &set, &change, news.due());
        }
        made
    }

    /// Tells the oracle what a purchase invoice has become.
    fn expect(
        &mut self,
        company: Uuid,
        (table, record): (&Table, &Record),
        before: Option<InvoiceStatus>,
        news: News,
    ) -> Option<usize> {
        if table.set != PURCHASE_INVOICES {
            return None;
        }
        let number = record.number(table);
        self.oracle.exists(&number);
        let Some(status) = status_of(table, record) else {
            // A status that this set never has by itself; nobody expects a card of it.
            self.oracle.left(record.id);
            return None;
        };
        if news == News::Seeded || before == Some(status) {
            return None;
        }
        let known = self.known_as(record.id);
        self.oracle
            .took((company, known), &number, status, record.modified)
    }

    /// Deletes a record.
    pub(super) fn delete(&mut self, company: usize, table: &Table, record: Uuid, news: News) {
        let company = &mut self.erp.companies[company];
        company.rows_mut(table).remove(table, record);
        let company = company.id;
        if table.set == PURCHASE_INVOICES {
            let known = self.known_as(record);
            self.oracle.left(known);
        }
        let change = Change {
            record,
            kind: ChangeType::Deleted,
            at: clock::now(),
            expectation: None,
        };
        if news != News::Seeded {
            let set = table.subscribed();
            self.erp.enqueue(company, &set, &change, news.due());
        }
    }
}

/// The verbs, as the handle and the control API offer them.
impl Shared {
    fn due(&self) -> Instant {
        Instant::now() + self.config.scaled(self.config.notification_delay)
    }

    fn change<T>(&self, verb: impl FnOnce(&mut World, News) -> T) -> T {
        let due = self.due();
        let result = verb(&mut self.world(), News::Due(due));
        self.outbox.notify_one();
        self.announce();
        result
    }

    fn company(world: &World, named: Option<&str>) -> Result<usize, VerbError> {
        let missing = || VerbError::NoSuchCompany(named.unwrap_or_default().to_owned());
        world.erp.company_index(named).ok_or_else(missing)
    }
}
