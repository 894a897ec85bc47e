//! What the ERP fills in by itself when a record is made: numbers, dates, names, amounts and lines.
//!
//! A rule concerns every table that has the fields it speaks of, and never overrides
//! what the record says already.

use jiff::civil::Date;
use jiff::{Span, tz::TimeZone};
use uuid::Uuid;

use super::cells::Cell;
use super::erp::{Company, Erp};
use super::records::Record;
use super::tables::Table;
use crate::clock;

mod inside;

pub(super) use inside::{lines, renew_lines, settle_inside};

/// Names of vendors, in the order of their numbers.
pub(super) const VENDORS: [&str; 6] = [
    "Nordlicht Papier GmbH",
    "Quai Lumière SARL",
    "Harbour Freight Ltd.",
    "Fjord Elektro AS",
    "Cantina & Figli S.p.A.",
    "Van Dijk Logistiek B.V.",
];

/// Names of customers, in the order of their numbers.
pub(super) const CUSTOMERS: [&str; 6] = [
    "Baltic Optik AS",
    "Alpenhaus Hotels AG",
    "Rivage Yachts SARL",
    "Granite & Sons Ltd.",
    "Hütte Blechwerk GmbH",
    "Oliveto Srl",
];

/// Sets whose records have an address to write to, made up from their number.
const REACHABLE: [&str; 6] = [
    "contacts",
    "customers",
    "employees",
    "locations",
    "salespeoplePurchasers",
    "vendors",
];

/// Fills in what a new record lacks.
pub(super) fn complete(erp: &mut Erp, company: usize, table: &Table, record: &mut Record) {
    let version = erp.next_version();
    let turn = usize::try_from(version).unwrap_or_default() % VENDORS.len();
    let company = &mut erp.companies[company];
    number(company, table, record);
    dates(table, record);
    party(company, table, record, &Party::vendor(turn));
    party(company, table, record, &Party::customer(turn));
    record.fill(table, "vendorInvoiceNumber", || {
        Cell::Text(format!("RE-{version:07}"))
    });
    if table.document_lines().is_some() {
        record.fill(table, "purchaser", || Cell::Text("P01".into()));
        record.fill(table, "status", || Cell::Member("Draft"));
        amounts(table, record, version);
    }
    references(company, table, record);
    presentation(table, record);
}

fn number(company: &mut Company, table: &Table, record: &mut Record) {
    let Some(key) = table
        .key_field()
        .filter(|key| !record.says(table, &key.name))
    else {
        return;
    };
    let numbered_as_posted = record.posted && table.posted.is_some();
    let next = company.next_number(table, numbered_as_posted);
    if let Some(cell) = next.and_then(|next| key.kind.spelled(&next)) {
        record.put(key, cell);
    }
}

/// Today, as the company's calendar has it.
pub(super) fn today() -> Date {
    TimeZone::UTC.to_datetime(clock::now()).date()
}

fn dates(table: &Table, record: &mut Record) {
    let today = today();
    for name in ["postingDate", "invoiceDate", "creditMemoDate", "orderDate"] {
        record.fill(table, name, || Cell::Day(today));
    }
    let due = today.saturating_add(Span::new().days(30));
    record.fill(table, "dueDate", || Cell::Day(due));
}

/// The other side of a document.
struct Party {
    set: &'static str,
    /// Fields of number, name and id, and the fields that repeat them.
    fields: [[&'static str; 2]; 3],
    number: String,
    name: &'static str,
}

impl Party {
    fn vendor(turn: usize) -> Self {
        Self {
            set: "vendors",
            fields: [
                ["vendorNumber", "payToVendorNumber"],
                ["vendorName", "payToName"],
                ["vendorId", "payToVendorId"],
            ],
            number: format!("V{:05}", 10 * (turn + 1)),
            name: VENDORS[turn],
        }
    }

    fn customer(turn: usize) -> Self {
        Self {
            set: "customers",
            fields: [
                ["customerNumber", "billToCustomerNumber"],
                ["customerName", "billToName"],
                ["customerId", "billToCustomerId"],
            ],
            number: format!("C{:05}", 10 * (turn + 1)),
            name: CUSTOMERS[turn],
        }
    }
}

/// Number, name and id of the other side: of the record there is, or made up.
fn party(company: &Company, table: &Table, record: &mut Record, party: &Party) {
    let [number, name, id] = party.fields;
    if table.field(name[0]).is_none() {
        return;
    }
    record.fill(table, number[0], || Cell::Text(party.number.clone()));
    let text = record.text(table, number[0]);
    let found = numbered(company, party.set, &text);
    let known = found
        .as_ref()
        .map(|(side, found)| found.text(side, "displayName"));
    record.fill(table, name[0], || {
        Cell::Text(known.unwrap_or_else(|| party.name.to_owned()))
    });
    let name_given = record.text(table, name[0]);
    let key = found.map_or_else(
        || Uuid::new_v5(&Uuid::NAMESPACE_X500, name_given.as_bytes()),
        |(_, found)| found.id,
    );
    record.fill(table, id[0], || Cell::Key(key));
    for [from, to] in party.fields {
        if let Some(cell) = record.cell(table, from) {
            record.fill(table, to, || cell);
        }
    }
}

/// The record of a set that people call so.
fn numbered(
    company: &Company,
    set: &str,
    number: &str,
) -> Option<(&'static Table, std::sync::Arc<Record>)> {
    let table = super::tables::named(set)?;
    let rows = company.rows(table);
    Some((table, rows.row(rows.numbered(number)?, None)?))
}

/// Its id, or one made up from what it is called.
fn id_of(company: &Company, set: &str, number: &str) -> Uuid {
    numbered(company, set, number).map_or_else(
        || Uuid::new_v5(&company.id, format!("{set}/{number}").as_bytes()),
        |(_, record)| record.id,
    )
}

/// Tax at 19 %, rounded half up, of an amount in hundredths.
pub(super) fn tax(net: i64) -> i64 {
    (net * 19 + 50) / 100
}

/// An amount in hundredths.
pub(super) fn net(table: &Table, record: &Record, name: &str) -> i64 {
    match record.cell(table, name) {
        Some(Cell::Decimal(amount)) => amount / 1_000,
        _ => 0,
    }
}

fn amounts(table: &Table, record: &mut Record, version: u64) {
    let made_up = 10_050 + i64::try_from(version % 977).unwrap_or(0) * 1_310;
    record.fill(table, "totalAmountExcludingTax", || {
        Cell::hundredths(made_up)
    });
    let without = net(table, record, "totalAmountExcludingTax");
    record.fill(table, "totalTaxAmount", || Cell::hundredths(tax(without)));
    let with = without + net(table, record, "totalTaxAmount");
    record.fill(table, "totalAmountIncludingTax", || Cell::hundredths(with));
    let total = net(table, record, "totalAmountIncludingTax");
    record.fill(table, "remainingAmount", || Cell::hundredths(total));
}

/// Ids that follow from a code or number.
fn references(company: &Company, table: &Table, record: &mut Record) {
    for (number, id, set) in [
        ("accountNumber", "accountId", "accounts"),
        ("dimensionCode", "dimensionId", "dimensions"),
        ("dimensionValueCode", "dimensionValueId", "dimensionValues"),
    ] {
        let text = record.text(table, number);
        if !text.is_empty() {
            record.fill(table, id, || Cell::Key(id_of(company, set, &text)));
        }
    }
}

/// A name and an address for what has none.
fn presentation(table: &Table, record: &mut Record) {
    let number = record.number(table);
    record.fill(table, "displayName", || {
        let kind = &table.type_name;
        Cell::Text(format!(
            "{}{} {number}",
            kind[..1].to_uppercase(),
            &kind[1..]
        ))
    });
    if REACHABLE.contains(&table.set.as_str()) {
        let (name, domain) = (number.to_lowercase(), table.set.to_lowercase());
        record.fill(table, "email", || {
            Cell::Text(format!("{name}@{domain}.example"))
        });
    }
}
