//! What people do in Business Central: the verbs behind tests, demos and traffic.
//!
//! Each verb changes one row in one step together with its pending notifications and
//! its expectation, so that no reader and no verdict sees half of it.

use std::sync::Arc;
use std::time::Instant;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batches::{Change, ChangeType};
use super::invoices::{Invoice, Row};
use super::status::InvoiceStatus;
use crate::clock;
use crate::state::{Shared, World};

/// Why a verb was refused.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// No company has this id or name.
    #[error("there is no company `{0}`")]
    NoSuchCompany(String),
    /// No invoice has this id or number.
    #[error("there is no purchase invoice `{0}`")]
    NoSuchInvoice(String),
    /// The invoice's status does not allow it.
    #[error("purchase invoice `{0}` is {1} and cannot be {2}")]
    WrongStatus(String, &'static str, &'static str),
}

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
}

/// The set that these verbs change, as subscriptions name it.
const INVOICES: &str = "purchaseInvoices";

const VENDORS: [&str; 6] = [
    "Nordlicht Papier GmbH",
    "Quai Lumière SARL",
    "Harbour Freight Ltd.",
    "Fjord Elektro AS",
    "Cantina & Figli S.p.A.",
    "Van Dijk Logistiek B.V.",
];

impl World {
    fn find(&self, which: &Which) -> Result<(usize, Arc<Invoice>), VerbError> {
        let companies = self.erp.companies.iter().enumerate();
        let mut found = companies.filter_map(|(index, company)| {
            let by_number = || company.by_number.get(which.number.as_ref()?).copied();
            let id = which.id.or_else(by_number)?;
            Some((index, company.row(id, None)?))
        });
        found
            .next()
            .ok_or_else(|| VerbError::NoSuchInvoice(which.named()))
    }

    /// The next number of a series: drafts or posted invoices.
    fn next_number(&mut self, company: usize, posted: bool) -> String {
        let series = &mut self.erp.companies[company].series;
        let (prefix, next) = if posted {
            ("PPI", &mut series.1)
        } else {
            ("PI", &mut series.0)
        };
        *next += 1;
        format!("{prefix}-{:06}", *next - 1)
    }

    fn build(&mut self, company: usize, new: &NewInvoice, status: InvoiceStatus) -> Invoice {
        let posted = status != InvoiceStatus::Draft;
        let number = new
            .number
            .clone()
            .unwrap_or_else(|| self.next_number(company, posted));
        let version = self.erp.next_version();
        let turn = usize::try_from(version).unwrap_or_default() % VENDORS.len();
        let vendor = new
            .vendor
            .clone()
            .unwrap_or_else(|| VENDORS[turn].to_owned());
        let now = clock::now();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an amount beyond 2^63 cents saturates"
        )]
        let net = new.amount.map(|amount| (amount * 100.0).round() as i64);
        Invoice {
            id: Uuid::new_v4(),
            number,
            posting_date: TimeZone::UTC.to_datetime(now).date(),
            vendor_invoice_number: format!("RE-{version:07}"),
            vendor_id: Uuid::new_v5(&Uuid::NAMESPACE_X500, vendor.as_bytes()),
            vendor_number: format!("V{:05}", 10 * (turn + 1)),
            vendor_name: vendor,
            purchaser: new.purchaser.clone().unwrap_or_else(|| "P01".into()),
            currency: new.currency.clone().unwrap_or_else(|| "EUR".into()),
            // Born from a purchase order when it was never a draft.
            order_number: if posted {
                format!("PO-{version:06}")
            } else {
                String::new()
            },
            net: net.unwrap_or_else(|| 10_050 + i64::try_from(version % 977).unwrap_or(0) * 1_310),
            lines: new.lines.unwrap_or(1),
            status,
            modified: now,
            version,
        }
    }

    /// Writes one version of a row; the only place where rows change.
    fn write(&mut self, company: usize, mut invoice: Invoice, due: Option<Instant>) -> Posted {
        invoice.version = self.erp.next_version();
        invoice.modified = clock::now();
        let company = &mut self.erp.companies[company];
        let (company_id, id, status) = (company.id, invoice.id, invoice.status);
        let previous = company.rows.get(&id).map(|row| Arc::clone(&row.current));
        if let Some(previous) = &previous {
            company.by_number.remove(&previous.number);
        }
        company.by_number.insert(invoice.number.clone(), id);
        let (number, modified) = (invoice.number.clone(), invoice.modified);
        let kind = if previous.is_some() {
            ChangeType::Updated
        } else {
            ChangeType::Created
        };
        let news = previous
            .as_ref()
            .is_none_or(|previous| previous.status != status);
        let row = Row {
            current: Arc::new(invoice),
            previous,
            changed: Instant::now(),
        };
        company.rows.insert(id, row);
        // Without a due time the row is seeded: neither announced nor expected.
        if let Some(due) = due {
            let expectation = news
                .then(|| {
                    self.oracle
                        .took((company_id, id), &number, status, modified)
                })
                .flatten();
            let change = Change {
                record: id,
                kind,
                at: modified,
                expectation,
            };
            self.erp.enqueue(company_id, INVOICES, &change, Some(due));
        }
        Posted {
            company: company_id,
            id,
            number,
            status,
            modified,
        }
    }

    fn delete(&mut self, which: &Which, due: Instant) -> Result<(), VerbError> {
        let (index, invoice) = self.find(which)?;
        let company = &mut self.erp.companies[index];
        company.rows.remove(&invoice.id);
        company.by_number.remove(&invoice.number);
        let company = company.id;
        self.oracle.left(invoice.id);
        let (record, at) = (invoice.id, clock::now());
        let change = Change {
            record,
            kind: ChangeType::Deleted,
            at,
            expectation: None,
        };
        self.erp.enqueue(company, INVOICES, &change, Some(due));
        Ok(())
    }
}

/// The verbs, as the handle and the control API offer them.
impl Shared {
    fn due(&self) -> Instant {
        Instant::now() + self.config.scaled(self.config.notification_delay)
    }

    fn change<T>(&self, verb: impl FnOnce(&mut World, Instant) -> T) -> T {
        let due = self.due();
        let result = verb(&mut self.world(), due);
        self.outbox.notify_one();
        self.announce();
        result
    }

    fn company(world: &World, new: &NewInvoice) -> Result<usize, VerbError> {
        let named = new.company.as_deref();
        let missing = || VerbError::NoSuchCompany(named.unwrap_or_default().to_owned());
        world.erp.company_index(named).ok_or_else(missing)
    }

    /// Makes an invoice in `status`, announced as `created`.
    pub(crate) fn create_invoice(
        &self,
        new: &NewInvoice,
        status: InvoiceStatus,
    ) -> Result<Posted, VerbError> {
        self.change(|world, due| {
            let company = Self::company(world, new)?;
            let invoice = world.build(company, new, status);
            Ok(world.write(company, invoice, Some(due)))
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
            let company = Self::company(world, new)?;
            for index in 0..count {
                let code = format!("P{:02}", index % purchasers.max(1) + 1);
                let purchaser = new.purchaser.clone().or(Some(code));
                let new = NewInvoice {
                    purchaser,
                    ..new.clone()
                };
                let invoice = world.build(company, &new, InvoiceStatus::Open);
                world.write(company, invoice, None);
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
        self.change(|world, due| {
            let (company, invoice) = world.find(which)?;
            if invoice.status != InvoiceStatus::Draft {
                return Err(wrong(&invoice, "posted"));
            }
            let number = world.next_number(company, true);
            let posted = Invoice {
                number,
                status: InvoiceStatus::Open,
                ..(*invoice).clone()
            };
            Ok(world.write(company, posted, Some(due)))
        })
    }

    /// Takes a posted invoice from one status to another.
    pub(crate) fn move_invoice(
        &self,
        which: &Which,
        (from, to): (InvoiceStatus, InvoiceStatus),
    ) -> Result<Posted, VerbError> {
        self.change(|world, due| {
            let (company, invoice) = world.find(which)?;
            if invoice.status != from {
                return Err(wrong(&invoice, to.as_str()));
            }
            let moved = Invoice {
                status: to,
                ..(*invoice).clone()
            };
            Ok(world.write(company, moved, Some(due)))
        })
    }

    /// Changes nothing a reader would care about.
    pub(crate) fn touch_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.change(|world, due| {
            let (company, invoice) = world.find(which)?;
            Ok(world.write(company, (*invoice).clone(), Some(due)))
        })
    }

    /// Touches every invoice of every company, as a rebuild of API data does.
    pub(crate) fn rebuild_invoices(&self) -> usize {
        self.change(|world, due| {
            let mut touched = 0;
            for company in 0..world.erp.companies.len() {
                for invoice in world.erp.companies[company].visible(None, None) {
                    world.write(company, (*invoice).clone(), Some(due));
                    touched += 1;
                }
            }
            touched
        })
    }

    /// Deletes an invoice.
    pub(crate) fn delete_invoice(&self, which: &Which) -> Result<(), VerbError> {
        self.change(|world, due| world.delete(which, due))
    }
}

fn wrong(invoice: &Invoice, verb: &'static str) -> VerbError {
    VerbError::WrongStatus(invoice.number.clone(), invoice.status.as_str(), verb)
}
