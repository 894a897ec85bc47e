//! The steps in a document's life that are more than a change of a field: releasing,
//! posting, invoicing an order.
//!
//! Posting keeps the id, takes the next number of the posted series and gives the lines
//! new ids. A sales invoice is `Open` both when it is released and when it is posted;
//! only a posted one has general ledger entries. Posting a purchase document writes none
//! here: nothing that reads purchase documents tells them apart by the ledger.

use serde_json::json;
use uuid::Uuid;

use super::{Made, News, RecordChange, VerbError};
use crate::business_central::cells::Cell;
use crate::business_central::records::Record;
use crate::business_central::rules;
use crate::business_central::tables::{self, Table};
use crate::state::{Shared, World};

const SALES_INVOICES: &str = "salesInvoices";
/// Accounts of a sale: what the customer owes, what was earned, and the tax on it.
const SALE: [(&str, &str); 3] = [
    ("15110", "Customer receivable"),
    ("40100", "Sales revenue"),
    ("22210", "Sales tax"),
];

impl World {
    /// The record as it is once posted.
    pub(super) fn posted(&mut self, company: usize, table: &Table, draft: &Record) -> Record {
        let mut record = draft.clone();
        record.posted = true;
        let number = self.erp.companies[company].next_number(table, true);
        if let (Some(key), Some(number)) = (table.key_field(), number) {
            record.put(key, Cell::Text(number));
        }
        record.set(table, "status", Cell::Member("Open"));
        record.set(table, "postingDate", Cell::Day(rules::today()));
        rules::renew_lines(table, &mut record);
        record
    }

    /// Whether the status alone says that the document is posted.
    pub(super) fn is_posted_status(table: &Table, record: &Record) -> bool {
        let status = record.status(table).unwrap_or_default();
        let open_is_posted = table.set != SALES_INVOICES;
        let settled = ["Paid", "Canceled", "Corrective"].contains(&status);
        table.posted.is_some() && (settled || (open_is_posted && status == "Open"))
    }

    /// Writes the entries of a posted sales invoice; other documents have none.
    pub(super) fn enter_ledger(
        &mut self,
        company: usize,
        table: &Table,
        sale: &Record,
        news: News,
    ) {
        if table.set != SALES_INVOICES {
            return;
        }
        let amount = |name| rules::net(table, sale, name);
        let number = sale.number(table);
        let net = amount("totalAmountExcludingTax");
        let (tax, total) = (amount("totalTaxAmount"), amount("totalAmountIncludingTax"));
        let amounts = [(total, 0), (0, net), (0, tax)];
        for ((account, text), (debit, credit)) in SALE.into_iter().zip(amounts) {
            self.enter(company, news, |entries, entry| {
                let text = format!("{text}, invoice {number}");
                entry.set(entries, "documentNumber", Cell::Text(number.clone()));
                entry.set(entries, "documentType", Cell::Member("Invoice"));
                entry.set(entries, "accountNumber", Cell::Text(account.into()));
                entry.set(entries, "description", Cell::Text(text));
                entry.set(entries, "debitAmount", Cell::hundredths(debit));
                entry.set(entries, "creditAmount", Cell::hundredths(credit));
            });
        }
    }

    fn enter(&mut self, company: usize, news: News, fill: impl FnOnce(&Table, &mut Record)) {
        let entries = tables::named("generalLedgerEntries").expect("a built-in table");
        let mut entry = Record::new(Uuid::new_v4());
        fill(entries, &mut entry);
        rules::complete(&mut self.erp, company, entries, &mut entry);
        self.write(company, entries, entry, news);
    }
}

fn unposted(table: &Table, record: &Record, step: &'static str) -> Result<(), VerbError> {
    if !record.posted {
        return Ok(());
    }
    let status = record.text(table, "status");
    let number = record.number(table);
    let status = format!("posted ({status})");
    Err(VerbError::WrongStep(
        number,
        table.set.clone(),
        status,
        step,
    ))
}

/// The verbs, as the handle and the control API offer them.
impl Shared {
    /// Releases a sales invoice: `Open`, and not posted.
    pub(crate) fn release_sales_invoice(&self, change: &RecordChange) -> Result<Made, VerbError> {
        let change = RecordChange {
            set: SALES_INVOICES.into(),
            ..change.clone()
        };
        self.change(|world, news| {
            let table = change.table()?;
            world.edit(&change, change.news(news), |_, _, record| {
                unposted(table, record, "released")?;
                record.set(table, "status", Cell::Member("Open"));
                Ok(())
            })
        })
    }

    /// Posts a sales invoice, drafted or released, and enters it in the ledger.
    pub(crate) fn post_sales_invoice(&self, change: &RecordChange) -> Result<Made, VerbError> {
        let change = RecordChange {
            set: SALES_INVOICES.into(),
            ..change.clone()
        };
        self.change(|world, news| {
            let (table, news) = (change.table()?, change.news(news));
            world.edit(&change, news, |world, company, record| {
                unposted(table, record, "posted")?;
                *record = world.posted(company, table, record);
                world.enter_ledger(company, table, record, news);
                Ok(())
            })
        })
    }

    /// Gives a document a status. A purchase document that is not posted is posted by it if need be.
    pub(crate) fn set_status(
        &self,
        change: &RecordChange,
        status: &str,
    ) -> Result<Made, VerbError> {
        let mut change = change.clone();
        change.fields.insert("status".into(), status.into());
        self.change(|world, news| {
            let (table, news) = (change.table()?, change.news(news));
            let fields = change.fields.clone();
            world.edit(&change, news, |world, company, record| {
                let before = record.clone();
                world.apply(company, table, record, &fields)?;
                if !record.posted && World::is_posted_status(table, record) {
                    *record = world.posted(company, table, &before);
                    world.enter_ledger(company, table, record, news);
                }
                settle(table, record, status);
                Ok(())
            })
        })
    }

    /// Invoices a purchase order in full: the order goes, a posted purchase invoice comes.
    pub(crate) fn invoice_purchase_order(&self, change: &RecordChange) -> Result<Made, VerbError> {
        let order = RecordChange {
            set: "purchaseOrders".into(),
            ..change.clone()
        };
        self.change(|world, news| {
            let (table, news) = (order.table()?, change.news(news));
            let (company, record) = world.named(table, &order)?;
            let invoice = RecordChange::of(tables::PURCHASE_INVOICES)
                .company(world.erp.companies[company].id.to_string())
                .fields(invoice_fields(table, &record))
                .posted();
            world.delete(company, table, record.id, news);
            world.create(&invoice, news)
        })
    }
}

/// What a sales invoice still owes.
fn settle(table: &Table, record: &mut Record, status: &str) {
    let left = match status {
        "Paid" | "Canceled" => Some(Cell::Decimal(0)),
        "Open" => record.cell(table, "totalAmountIncludingTax"),
        _ => None,
    };
    if let Some(left) = left {
        record.set(table, "remainingAmount", left);
    }
}

/// What an invoice takes over from its order. The order's id is blank: the order is gone.
fn invoice_fields(table: &Table, order: &Record) -> serde_json::Value {
    let mut fields = json!({ "orderNumber": order.number(table) });
    for name in [
        "vendorNumber",
        "vendorName",
        "vendorId",
        "currencyCode",
        "purchaser",
        "totalAmountExcludingTax",
        "totalTaxAmount",
        "totalAmountIncludingTax",
    ] {
        fields[name] = json!(order.cell(table, name));
    }
    fields
}
