//! Purchase invoices and their lines: the record, and its fields on the wire.
//!
//! A draft keeps its id when it is posted; only its number changes. The entity has no
//! remaining amount and no e-mail address, as in API v2.0.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::fields::{self, Cell, Fields, Select};
use super::status::InvoiceStatus;

/// One version of a purchase invoice. Versions are shared, never changed in place.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) posting_date: Date,
    pub(crate) vendor_invoice_number: String,
    pub(crate) vendor_id: Uuid,
    pub(crate) vendor_number: String,
    pub(crate) vendor_name: String,
    pub(crate) purchaser: String,
    pub(crate) currency: String,
    pub(crate) order_number: String,
    /// Hundredths of the document currency, without tax.
    pub(crate) net: i64,
    pub(crate) lines: u32,
    pub(crate) status: InvoiceStatus,
    pub(crate) modified: Timestamp,
    /// Row version, the heart of the etag.
    pub(crate) version: u64,
}

impl Invoice {
    /// Tax at 19 %, rounded half up.
    fn tax(&self) -> i64 {
        (self.net * 19 + 50) / 100
    }

    /// The entity's etag.
    pub(crate) fn etag(&self) -> String {
        etag(self.version)
    }

    /// The lines; the first carries what does not divide evenly.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let count = i64::from(self.lines.max(1));
        (0..count)
            .map(|index| {
                let rest = if index == 0 { self.net % count } else { 0 };
                Line {
                    document: self.id,
                    number: 10_000 * (index + 1),
                    net: self.net / count + rest,
                    version: self.version,
                }
            })
            .collect()
    }
}

/// An etag in the service's form: opaque to readers, unique per row version.
pub(crate) fn etag(version: u64) -> String {
    format!("W/\"JzE5OzEw{version:016x}MDA7Jw==\"")
}

/// An invoice line. It has no change time and no webhook.
#[derive(Debug)]
pub(crate) struct Line {
    document: Uuid,
    number: i64,
    net: i64,
    version: u64,
}

impl Line {
    fn id(&self) -> Uuid {
        Uuid::new_v5(&self.document, &self.number.to_be_bytes())
    }

    fn tax(&self) -> i64 {
        (self.net * 19 + 50) / 100
    }
}

/// A row of the table: what is committed, and what a lagging replica still shows.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) current: Arc<Invoice>,
    pub(crate) previous: Option<Arc<Invoice>>,
    pub(crate) changed: Instant,
}

/// Fields of `purchaseInvoices`, in the order of the wire.
pub(crate) const INVOICE_FIELDS: Fields<Invoice> = &[
    ("id", |i| Cell::Key(i.id)),
    ("number", |i| Cell::Text(&i.number)),
    ("postingDate", |i| Cell::Day(Some(i.posting_date))),
    ("invoiceDate", |i| Cell::Day(Some(i.posting_date))),
    ("dueDate", |i| {
        Cell::Day(Some(
            i.posting_date.saturating_add(jiff::Span::new().days(30)),
        ))
    }),
    ("vendorInvoiceNumber", |i| {
        Cell::Text(&i.vendor_invoice_number)
    }),
    ("vendorId", |i| Cell::Key(i.vendor_id)),
    ("vendorNumber", |i| Cell::Text(&i.vendor_number)),
    ("vendorName", |i| Cell::Text(&i.vendor_name)),
    ("payToName", |i| Cell::Text(&i.vendor_name)),
    ("payToContact", |_| Cell::Text("")),
    ("payToVendorId", |i| Cell::Key(i.vendor_id)),
    ("payToVendorNumber", |i| Cell::Text(&i.vendor_number)),
    ("shipToName", |_| Cell::Text("")),
    ("shipToContact", |_| Cell::Text("")),
    ("buyFromAddressLine1", |_| Cell::Text("Quai 4")),
    ("buyFromAddressLine2", |_| Cell::Text("")),
    ("buyFromCity", |_| Cell::Text("Antwerpen")),
    ("buyFromCountry", |_| Cell::Text("BE")),
    ("buyFromState", |_| Cell::Text("")),
    ("buyFromPostCode", |_| Cell::Text("2000")),
    ("shipToAddressLine1", |_| Cell::Text("")),
    ("shipToAddressLine2", |_| Cell::Text("")),
    ("shipToCity", |_| Cell::Text("")),
    ("shipToCountry", |_| Cell::Text("")),
    ("shipToState", |_| Cell::Text("")),
    ("shipToPostCode", |_| Cell::Text("")),
    ("payToAddressLine1", |_| Cell::Text("Quai 4")),
    ("payToAddressLine2", |_| Cell::Text("")),
    ("payToCity", |_| Cell::Text("Antwerpen")),
    ("payToCountry", |_| Cell::Text("BE")),
    ("payToState", |_| Cell::Text("")),
    ("payToPostCode", |_| Cell::Text("2000")),
    ("shortcutDimension1Code", |_| Cell::Text("SALES")),
    ("shortcutDimension2Code", |_| Cell::Text("")),
    // The local currency has no row of its own: its id stays blank.
    ("currencyId", |_| Cell::Key(Uuid::nil())),
    ("currencyCode", |i| Cell::Text(&i.currency)),
    ("orderId", |_| Cell::Key(Uuid::nil())),
    ("orderNumber", |i| Cell::Text(&i.order_number)),
    ("purchaser", |i| Cell::Text(&i.purchaser)),
    ("pricesIncludeTax", |_| Cell::Flag(false)),
    ("discountAmount", |_| Cell::Decimal(0)),
    ("discountAppliedBeforeTax", |_| Cell::Flag(true)),
    ("totalAmountExcludingTax", |i| Cell::Decimal(i.net)),
    ("totalTaxAmount", |i| Cell::Decimal(i.tax())),
    ("totalAmountIncludingTax", |i| {
        Cell::Decimal(i.net + i.tax())
    }),
    ("status", |i| Cell::Member(i.status.as_str())),
    ("lastModifiedDateTime", |i| Cell::Moment(i.modified)),
];

/// Fields of `purchaseInvoiceLines`, in the order of the wire.
pub(crate) const LINE_FIELDS: Fields<Line> = &[
    ("id", |l| Cell::Key(l.id())),
    ("documentId", |l| Cell::Key(l.document)),
    ("sequence", |l| Cell::Integer(l.number)),
    ("itemId", |_| Cell::Key(Uuid::nil())),
    ("accountId", |_| {
        Cell::Key(Uuid::from_u128(0xaaa5_738a_44e3_ea11_bb43_000d_3a2f_eca1))
    }),
    ("lineType", |_| Cell::Member("Account")),
    ("lineObjectNumber", |_| Cell::Text("61300")),
    ("description", |_| Cell::Text("Office supplies")),
    ("description2", |_| Cell::Text("")),
    ("unitOfMeasureId", |_| Cell::Key(Uuid::nil())),
    ("unitOfMeasureCode", |_| Cell::Text("")),
    ("unitCost", |l| Cell::Decimal(l.net)),
    ("quantity", |_| Cell::Integer(1)),
    ("discountAmount", |_| Cell::Decimal(0)),
    ("discountPercent", |_| Cell::Decimal(0)),
    ("discountAppliedBeforeTax", |_| Cell::Flag(false)),
    ("amountExcludingTax", |l| Cell::Decimal(l.net)),
    ("taxCode", |_| Cell::Text("VAT19")),
    ("taxPercent", |_| Cell::Integer(19)),
    ("totalTaxAmount", |l| Cell::Decimal(l.tax())),
    ("amountIncludingTax", |l| Cell::Decimal(l.net + l.tax())),
    ("invoiceDiscountAllocation", |_| Cell::Decimal(0)),
    ("netAmount", |l| Cell::Decimal(l.net)),
    ("netTaxAmount", |l| Cell::Decimal(l.tax())),
    ("netAmountIncludingTax", |l| Cell::Decimal(l.net + l.tax())),
    ("expectedReceiptDate", |_| Cell::Day(None)),
    ("itemVariantId", |_| Cell::Key(Uuid::nil())),
    ("locationId", |_| Cell::Key(Uuid::nil())),
];

/// What a caller wants of each invoice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) select: Select,
    /// The line fields wanted, when lines are expanded.
    pub(crate) expand_lines: Option<Select>,
}

/// An invoice as JSON, alone (with its context) or in a listing.
#[derive(Debug)]
pub(crate) struct InvoiceJson<'a> {
    pub(crate) invoice: &'a Invoice,
    pub(crate) shape: &'a Shape,
    pub(crate) context: Option<&'a str>,
}

impl Serialize for InvoiceJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(context) = self.context {
            map.serialize_entry("@odata.context", context)?;
        }
        map.serialize_entry("@odata.etag", &self.invoice.etag())?;
        fields::write(&mut map, self.invoice, INVOICE_FIELDS, &self.shape.select)?;
        if let Some(select) = &self.shape.expand_lines {
            let lines = self.invoice.lines();
            let lines: Vec<_> = lines.iter().map(|line| LineJson { line, select }).collect();
            map.serialize_entry("purchaseInvoiceLines", &lines)?;
        }
        map.end()
    }
}

/// An invoice line as JSON.
#[derive(Debug)]
pub(crate) struct LineJson<'a> {
    pub(crate) line: &'a Line,
    pub(crate) select: &'a Select,
}

impl Serialize for LineJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@odata.etag", &etag(self.line.version))?;
        fields::write(&mut map, self.line, LINE_FIELDS, self.select)?;
        map.end()
    }
}
