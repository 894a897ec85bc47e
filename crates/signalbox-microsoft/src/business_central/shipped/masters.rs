//! Whom and what documents are about (facts, Business Central §3.1, §3.2, §3.10 and §3.11; page numbers §6.22).
//!
//! Balances and stocks are left out: they are computed for every record that is read, and their change notifies nobody.

use super::{BY_DEFAULT, IS_BLOCKED, page, standard, words};
use crate::business_central::entity::EntitySet;

/// What is blocked, and `no` for nothing, which the API says with a blank.
const BLOCKED_FOR: &str = "record.blocked or 'no'";

/// Customers.
pub(super) fn customers() -> EntitySet {
    EntitySet {
        enums: words("type blocked"),
        once: Some(BLOCKED_FOR.to_owned()),
        page: Some(page(21)),
        ..master(
            "customers",
            "customer",
            "id number displayName type city country email salespersonCode creditLimit taxRegistrationNumber
             currencyCode blocked lastModifiedDateTime",
        )
    }
}

/// Employees. They are personal data, so nothing is read that is not shown or needed to find the person.
pub(super) fn employees() -> EntitySet {
    EntitySet {
        enums: words("status"),
        once: Some("record.status".to_owned()),
        page: Some(page(5200)),
        ..master(
            "employees",
            "employee",
            "id number displayName jobTitle email employmentDate terminationDate status lastModifiedDateTime",
        )
    }
}

/// Items.
pub(super) fn items() -> EntitySet {
    EntitySet {
        enums: words("type"),
        once: Some(IS_BLOCKED.to_owned()),
        page: Some(page(30)),
        ..master(
            "items",
            "item",
            "id number displayName type itemCategoryCode blocked gtin unitPrice unitCost baseUnitOfMeasureCode
             lastModifiedDateTime",
        )
    }
}

/// Vendors.
pub(super) fn vendors() -> EntitySet {
    EntitySet {
        enums: words("blocked"),
        once: Some(BLOCKED_FOR.to_owned()),
        page: Some(page(26)),
        ..master(
            "vendors",
            "vendor",
            "id number displayName city country email taxRegistrationNumber currencyCode blocked lastModifiedDateTime",
        )
    }
}

fn master(name: &str, card: &str, select: &str) -> EntitySet {
    EntitySet {
        dimensions: Some(BY_DEFAULT),
        ..standard(name, card, select)
    }
}
