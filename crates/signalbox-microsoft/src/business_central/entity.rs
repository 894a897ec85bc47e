//! The entity sets that Signalbox reads, as data: a new one is a new table and no code.
//!
//! Only fields that every supported version has may stand here: an unknown name in `$select` is a 400
//! (facts, Business Central §3).

/// How one entity set is read.
#[derive(Debug, Clone, Copy)]
pub struct EntitySet {
    /// Its name in URLs.
    pub name: &'static str,
    /// The fields that are read.
    pub select: &'static [&'static str],
    /// Which of them are enums and are decoded.
    pub enums: &'static [&'static str],
    /// The lines that are read along.
    pub lines: Option<Lines>,
    /// The web client's page for it, with the field that the page is filtered by.
    pub page: Option<Page>,
}

/// The lines of a document.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// The navigation property.
    pub navigation: &'static str,
    /// The fields that are read.
    pub select: &'static [&'static str],
    /// Which of them are enums and are decoded.
    pub enums: &'static [&'static str],
    /// The amount whose exact sum over all lines becomes `linesTotal`; their number becomes `lineCount`.
    pub amount: &'static str,
}

/// Pages of the web client, by their numbers.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The page of a record.
    pub id: u32,
    /// The page of a record whose `status` is `Draft`.
    pub draft_id: u32,
}

/// Purchase invoices (facts, Business Central §3.3 and §3.4; page numbers §6.22).
pub const PURCHASE_INVOICES: EntitySet = EntitySet {
    name: "purchaseInvoices",
    select: &[
        "id",
        "number",
        "postingDate",
        "invoiceDate",
        "dueDate",
        "vendorInvoiceNumber",
        "vendorId",
        "vendorNumber",
        "vendorName",
        "currencyCode",
        "orderNumber",
        "purchaser",
        "pricesIncludeTax",
        "discountAmount",
        "totalAmountExcludingTax",
        "totalTaxAmount",
        "totalAmountIncludingTax",
        "status",
        "lastModifiedDateTime",
    ],
    enums: &["status"],
    lines: Some(Lines {
        navigation: "purchaseInvoiceLines",
        select: &[
            "sequence",
            "lineType",
            "lineObjectNumber",
            "description",
            "unitOfMeasureCode",
            "quantity",
            "unitCost",
            "amountExcludingTax",
            "totalTaxAmount",
            "amountIncludingTax",
        ],
        enums: &["lineType"],
        amount: "amountIncludingTax",
    }),
    page: Some(Page {
        id: 138,
        draft_id: 51,
    }),
};

/// Every set, in alphabetical order.
const ALL: &[EntitySet] = &[PURCHASE_INVOICES];

impl EntitySet {
    /// The set with this name in URLs.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|set| set.name == name)
    }

    /// The value of `$select`.
    pub(crate) fn selected(&self) -> String {
        self.select.join(",")
    }

    /// The value of `$expand`; empty for a set without lines.
    pub(crate) fn expanded(&self) -> String {
        self.lines.map_or_else(String::new, |lines| {
            format!("{}($select={})", lines.navigation, lines.select.join(","))
        })
    }
}
