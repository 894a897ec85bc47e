//! The verbs on purchase invoices, by the names and shapes that tests and demos use.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Made, News, VerbError, invoices, status_of};
use crate::business_central::cells::Cell;
use crate::business_central::records::Record;
use crate::business_central::rules;
use crate::business_central::status::InvoiceStatus;
use crate::state::{Shared, World};

/// An invoice to be made; everything absent is filled in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewInvoice {
    /// Company id or name; the first company if absent.
    pub company: Option<String>,
    /// Document number; the next of the series if absent.
    pub number: Option<String>,
    /// Vendor name.
    pub vendor: Option<String>,
    /// Purchaser code.
    pub purchaser: Option<String>,
    /// Currency code.
    pub currency: Option<String>,
    /// Amount without tax, in the document's currency.
    pub amount: Option<f64>,
    /// Number of lines.
    pub lines: Option<u32>,
}

/// An invoice that exists, named by id or by number.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Which {
    /// Record id.
    pub id: Option<Uuid>,
    /// Document number.
    pub number: Option<String>,
}

impl Which {
    /// By record id.
    pub fn id(id: Uuid) -> Self {
        Self {
            id: Some(id),
            number: None,
        }
    }

    /// By document number; the first company that has it.
    pub fn number(number: impl Into<String>) -> Self {
        Self {
            id: None,
            number: Some(number.into()),
        }
    }

    fn named(&self) -> String {
        self.number
            .clone()
            .or(self.id.map(|id| id.to_string()))
            .unwrap_or_default()
    }
}

/// What a verb made of an invoice.
#[derive(Clone, Debug, Serialize)]
pub struct Posted {
    /// Company id.
    pub company: Uuid,
    /// Record id.
    pub id: Uuid,
    /// Document number.
    pub number: String,
    /// Status.
    pub status: InvoiceStatus,
    /// When it last changed.
    pub modified: Timestamp,
    /// Row version, as sightings name it.
    pub version: u64,
}

impl World {
    fn find(&self, which: &Which) -> Result<(usize, Arc<Record>), VerbError> {
        let companies = self.erp.companies.iter().enumerate();
        let mut found = companies.filter_map(|(index, company)| {
            let rows = company.rows(invoices());
            let by_number = || rows.numbered(which.number.as_ref()?);
            let id = which.id.or_else(by_number)?;
            Some((index, rows.row(id, None)?))
        });
        found
            .next()
            .ok_or_else(|| VerbError::NoSuchInvoice(which.named()))
    }

    fn build(&mut self, company: usize, new: &NewInvoice, status: InvoiceStatus) -> Record {
        let table = invoices();
        let mut record = Record::new(Uuid::new_v4());
        record.posted = status != InvoiceStatus::Draft;
        let texts = [
            ("number", &new.number),
            ("vendorName", &new.vendor),
            ("purchaser", &new.purchaser),
            ("currencyCode", &new.currency),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                record.set(table, name, Cell::Text(text.clone()));
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an amount beyond 2^63 cents saturates"
        )]
        let net = new.amount.map(|amount| (amount * 100.0).round() as i64);
        if let Some(net) = net {
            record.set(table, "totalAmountExcludingTax", Cell::hundredths(net));
        }
        record.set(table, "status", Cell::Member(status.as_str()));
        if record.posted {
            // Born from a purchase order when it was never a draft.
            let order = format!("PO-{:06}", self.erp.next_version());
            record.set(table, "orderNumber", Cell::Text(order));
        }
        rules::complete(&mut self.erp, company, table, &mut record);
        rules::lines(table, &mut record, new.lines.unwrap_or(1));
        record
    }
}

impl Posted {
    fn of(made: Made, status: InvoiceStatus) -> Self {
        Self {
            company: made.company,
            id: made.id,
            number: made.number,
            status,
            modified: made.modified,
            version: made.version,
        }
    }
}

/// The verbs, as the handle and the control API offer them.
impl Shared {
    /// Makes an invoice in `status`, announced as `created`.
    pub(crate) fn create_invoice(
        &self,
        new: &NewInvoice,
        status: InvoiceStatus,
    ) -> Result<Posted, VerbError> {
        self.change(|world, news| {
            let company = Self::company(world, new.company.as_deref())?;
            let record = world.build(company, new, status);
            let made = world.write(company, invoices(), record, news);
            Ok(Posted::of(made, status))
        })
    }

    /// Makes `count` posted invoices that nobody is told of, spread over purchasers P01 to `purchasers`.
    pub(crate) fn seed_invoices(
        &self,
        new: &NewInvoice,
        count: usize,
        purchasers: usize,
    ) -> Result<usize, VerbError> {
        self.change(|world, _| {
            let company = Self::company(world, new.company.as_deref())?;
            for index in 0..count {
                let code = format!("P{:02}", index % purchasers.max(1) + 1);
                let purchaser = new.purchaser.clone().or(Some(code));
                let new = NewInvoice {
                    purchaser,
                    ..new.clone()
                };
                let record = world.build(company, &new, InvoiceStatus::Open);
                world.write(company, invoices(), record, News::Seeded);
            }
            Ok(count)
        })
    }

    /// Whether there is such an invoice.
    pub(crate) fn knows_invoice(&self, which: &Which) -> bool {
        self.world().find(which).is_ok()
    }

    /// Posts a draft: same id, next number of the posted series.
    pub(crate) fn post_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.change(|world, news| {
            let (company, invoice) = world.find(which)?;
            if status_of(invoices(), &invoice) != Some(InvoiceStatus::Draft) {
                return Err(wrong(&invoice, "posted"));
            }
            let posted = world.posted(company, invoices(), &invoice);
            let made = world.write(company, invoices(), posted, news);
            Ok(Posted::of(made, InvoiceStatus::Open))
        })
    }

    /// Takes a posted invoice from one status to another.
    pub(crate) fn move_invoice(
        &self,
        which: &Which,
        (from, to): (InvoiceStatus, InvoiceStatus),
    ) -> Result<Posted, VerbError> {
        self.change(|world, news| {
            let (company, invoice) = world.find(which)?;
            if status_of(invoices(), &invoice) != Some(from) {
                return Err(wrong(&invoice, to.as_str()));
            }
            let mut moved = (*invoice).clone();
            moved.set(invoices(), "status", Cell::Member(to.as_str()));
            let made = world.write(company, invoices(), moved, news);
            Ok(Posted::of(made, to))
        })
    }

    /// Changes nothing a reader would care about.
    pub(crate) fn touch_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.change(|world, news| {
            let (company, invoice) = world.find(which)?;
            // A generic verb may have left a status that this set's own verbs never make.
            let status = status_of(invoices(), &invoice).unwrap_or(InvoiceStatus::Draft);
            let made = world.write(company, invoices(), (*invoice).clone(), news);
            Ok(Posted::of(made, status))
        })
    }

    /// Touches every invoice of every company, as a rebuild of API data does.
    pub(crate) fn rebuild_invoices(&self) -> usize {
        self.change(|world, news| {
            let mut touched = 0;
            for company in 0..world.erp.companies.len() {
                let rows = world.erp.companies[company].rows(invoices());
                for invoice in rows.visible(None, None) {
                    world.write(company, invoices(), (*invoice).clone(), news);
                    touched += 1;
                }
            }
            touched
        })
    }

    /// Deletes an invoice.
    pub(crate) fn delete_invoice(&self, which: &Which) -> Result<(), VerbError> {
        self.change(|world, news| {
            let (company, invoice) = world.find(which)?;
            world.delete(company, invoices(), invoice.id, news);
            Ok(())
        })
    }
}

fn wrong(invoice: &Record, verb: &'static str) -> VerbError {
    let status = invoice.status(invoices()).unwrap_or_default();
    VerbError::WrongStatus(invoice.number(invoices()), status, verb)
}
