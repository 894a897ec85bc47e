//! Records kept inside others: lines of documents, dimensions, contacts of a vendor.

use uuid::Uuid;

use super::super::cells::Cell;
use super::super::erp::Company;
use super::super::records::Record;
use super::super::tables::{self, Leads, Table};
use super::{id_of, net, numbered, tax};

impl Table {
    /// The table of a document's lines, for documents only.
    pub(in super::super) fn document_lines(&self) -> Option<&'static Table> {
        self.navigations.iter().find_map(|navigation| {
            let Leads::Inside(set) = &navigation.leads else {
                return None;
            };
            tables::named(set).filter(|lines| lines.document.is_some())
        })
    }
}

/// Gives a document `count` lines that add up to its amount, unless it has lines.
pub(in super::super) fn lines(table: &Table, record: &mut Record, count: u32) {
    let Some(lines) = table.document_lines() else {
        return;
    };
    if !record.inside(&lines.set).is_empty() {
        return;
    }
    let total = net(table, record, "totalAmountExcludingTax");
    let count = i64::from(count.max(1));
    let share = |index: i64| {
        // The first line carries what does not divide evenly.
        let rest = if index == 0 { total % count } else { 0 };
        let mut line = Record::new(Uuid::nil());
        line.set(
            lines,
            "amountExcludingTax",
            Cell::hundredths(total / count + rest),
        );
        line.set(lines, "description", Cell::Text("Office supplies".into()));
        line
    };
    let made = (0..count).map(share).collect();
    record.keep(&lines.set, settled_lines(lines, record, made));
}

/// Fills in what the lines of a document lack.
fn settled_lines(table: &Table, document: &Record, lines: Vec<Record>) -> Vec<Record> {
    let settle = |(index, mut line): (i64, Record)| {
        let number = 10_000 * (index + 1);
        line.id = line_id(document, number);
        line.fill(table, "documentId", || Cell::Key(document.id));
        line.fill(table, "sequence", || Cell::Integer(number));
        line.fill(table, "lineType", || Cell::Member("Account"));
        line.fill(table, "lineObjectNumber", || Cell::Text("61300".into()));
        line.fill(table, "accountId", || Cell::Key(ACCOUNT));
        line.fill(table, "quantity", || Cell::hundredths(100));
        let without = net(table, &line, "amountExcludingTax");
        for name in ["unitCost", "unitPrice", "directUnitCost", "netAmount"] {
            line.fill(table, name, || Cell::hundredths(without));
        }
        for name in ["totalTaxAmount", "netTaxAmount"] {
            line.fill(table, name, || Cell::hundredths(tax(without)));
        }
        for name in ["amountIncludingTax", "netAmountIncludingTax"] {
            line.fill(table, name, || Cell::hundredths(without + tax(without)));
        }
        line
    };
    (0..).zip(lines).map(settle).collect()
}

/// The account of lines that name none.
const ACCOUNT: Uuid = Uuid::from_u128(0xaaa5_738a_44e3_ea11_bb43_000d_3a2f_eca1);

/// The id of a line: another one once the document is posted, since posted lines are other rows.
fn line_id(document: &Record, number: i64) -> Uuid {
    let mut name = number.to_be_bytes().to_vec();
    name.push(u8::from(document.posted));
    Uuid::new_v5(&document.id, &name)
}

/// Gives the lines of a document that was just posted their new ids.
pub(in super::super) fn renew_lines(table: &Table, document: &mut Record) {
    let Some(lines) = table.document_lines() else {
        return;
    };
    let renewed = document
        .inside(&lines.set)
        .iter()
        .map(|line| (**line).clone());
    let renewed = settled_lines(lines, document, renewed.collect());
    document.keep(&lines.set, renewed);
}

/// Fills in what records given with their parent lack.
pub(in super::super) fn settle_inside(
    company: &Company,
    (table, parent): (&Table, &Record),
    inside: &Table,
    mut records: Vec<Record>,
) -> Vec<Record> {
    if inside.document.is_some() {
        return settled_lines(inside, parent, records);
    }
    for record in &mut records {
        match inside.set.as_str() {
            "dimensionSetLines" => dimension(company, (table, parent), inside, record),
            _ => contact(company, (table, parent), inside, record),
        }
    }
    records
}

fn dimension(
    company: &Company,
    (table, parent): (&Table, &Record),
    own: &Table,
    line: &mut Record,
) {
    let code = line.text(own, "code");
    // The id of a line is that of its dimension: unique only within its parent.
    line.id = id_of(company, "dimensions", &code);
    let found = numbered(company, "dimensions", &code);
    let name = found.map_or(code, |(table, found)| found.text(table, "displayName"));
    line.fill(own, "displayName", || Cell::Text(name));
    line.fill(own, "parentId", || Cell::Key(parent.id));
    let parent_type = match table.set.as_str() {
        "purchaseInvoices" => "Purchase Invoice",
        "purchaseCreditMemos" => "Purchase Credit Memo",
        "purchaseOrders" => "Purchase Order",
        "salesInvoices" => "Sales Invoice",
        _ => "General Ledger Entry",
    };
    line.fill(own, "parentType", || Cell::Member(parent_type));
    let value = line.text(own, "valueCode");
    line.fill(own, "valueId", || {
        Cell::Key(id_of(company, "dimensionValues", &value))
    });
    line.fill(own, "valueDisplayName", || Cell::Text(value));
}

fn contact(company: &Company, (table, parent): (&Table, &Record), own: &Table, line: &mut Record) {
    let number = line.text(own, "contactNumber");
    let id = id_of(company, "contacts", &number);
    line.fill(own, "contactId", || Cell::Key(id));
    if let Some((contacts, found)) = numbered(company, "contacts", &number) {
        let name = found.text(contacts, "displayName");
        line.fill(own, "contactName", || Cell::Text(name));
        if let Some(cell) = found.cell(contacts, "type") {
            line.fill(own, "contactType", || cell);
        }
    }
    line.fill(own, "relatedId", || Cell::Key(parent.id));
    let related = if table.set == "vendors" {
        "Vendor"
    } else {
        "Customer"
    };
    line.fill(own, "relatedType", || Cell::Member(related));
}
