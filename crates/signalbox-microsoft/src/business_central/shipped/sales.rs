//! What is sold (facts, Business Central §3.5; page numbers §6.22).

use super::{document, pages};
use crate::business_central::entity::EntitySet;

/// Sales invoices. `Open` is said of released and of posted ones, so the stage is announced and not the status.
pub(super) fn invoices() -> EntitySet {
    EntitySet {
        told_by_ledger: true,
        once: Some("record.stage".to_owned()),
        page: Some(pages(132, 43)),
        ..document(
            "salesInvoices",
            "sales-invoice",
            "id number externalDocumentNumber invoiceDate postingDate dueDate customerId customerNumber customerName
             currencyCode orderNumber salesperson pricesIncludeTax discountAmount remainingAmount totalAmountExcludingTax
             totalTaxAmount totalAmountIncludingTax status email lastModifiedDateTime",
        )
    }
}
