//! What is bought (facts, Business Central §3.3, §3.4, §3.6 and §3.17; page numbers §6.22).

use super::{document, pages, words};
use crate::business_central::entity::{EntitySet, Lines};

/// Purchase invoices.
pub(super) fn invoices() -> EntitySet {
    EntitySet {
        lines: Some(Lines {
            navigation: "purchaseInvoiceLines".to_owned(),
            select: words(
                "sequence lineType lineObjectNumber description unitOfMeasureCode quantity unitCost amountExcludingTax
                 totalTaxAmount amountIncludingTax",
            ),
            enums: words("lineType"),
            amount: Some("amountIncludingTax".to_owned()),
        }),
        page: pages(138, 51),
        ..document(
            "purchaseInvoices",
            "purchase-invoice",
            "id number postingDate invoiceDate dueDate vendorInvoiceNumber vendorId vendorNumber vendorName currencyCode
             orderNumber purchaser pricesIncludeTax discountAmount totalAmountExcludingTax totalTaxAmount
             totalAmountIncludingTax status lastModifiedDateTime",
        )
    }
}
