//! What is bought (facts, Business Central §3.3, §3.4, §3.6 and §3.17; page numbers §6.22).

use super::{document, page, pages, words};
use crate::business_central::entity::{EntitySet, Lines};

/// Purchase credit memos.
pub(super) fn credit_memos() -> EntitySet {
    EntitySet {
        page: Some(pages(140, 52)),
        ..document(
            "purchaseCreditMemos",
            "purchase-credit-memo",
            "id number creditMemoDate postingDate dueDate vendorCreditMemoNumber vendorId vendorNumber vendorName
             currencyCode invoiceNumber purchaser pricesIncludeTax discountAmount totalAmountExcludingTax totalTaxAmount
             totalAmountIncludingTax status lastModifiedDateTime",
        )
    }
}

/// Purchase invoices.
pub(super) fn invoices() -> EntitySet {
    EntitySet {
        lines: Some(lines("purchaseInvoiceLines", "unitCost")),
        page: Some(pages(138, 51)),
        ..document(
            "purchaseInvoices",
            "purchase-invoice",
            "id number postingDate invoiceDate dueDate vendorInvoiceNumber vendorId vendorNumber vendorName currencyCode
             orderNumber purchaser pricesIncludeTax discountAmount totalAmountExcludingTax totalTaxAmount
             totalAmountIncludingTax status lastModifiedDateTime",
        )
    }
}

/// Purchase orders. They show approval: `In Review` is waiting for it, `Open` is released.
pub(super) fn orders() -> EntitySet {
    let mut lines = lines("purchaseOrderLines", "directUnitCost");
    lines
        .select
        .extend(words("receivedQuantity invoicedQuantity"));
    EntitySet {
        lines: Some(lines),
        page: Some(page(50)),
        ..document(
            "purchaseOrders",
            "purchase-order",
            "id number orderDate postingDate requestedReceiptDate vendorId vendorNumber vendorName currencyCode purchaser
             pricesIncludeTax discountAmount totalAmountExcludingTax totalTaxAmount totalAmountIncludingTax
             fullyReceived status lastModifiedDateTime",
        )
    }
}

/// Lines, whose price is called `cost`.
fn lines(navigation: &str, cost: &str) -> Lines {
    let mut select = words(
        "sequence lineType lineObjectNumber description unitOfMeasureCode quantity amountExcludingTax totalTaxAmount
         amountIncludingTax",
    );
    select.push(cost.to_owned());
    Lines {
        navigation: navigation.to_owned(),
        select,
        enums: words("lineType"),
        amount: Some("amountIncludingTax".to_owned()),
    }
}
