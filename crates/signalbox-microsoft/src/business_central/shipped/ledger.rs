//! The general ledger (facts, Business Central §3.7 and §3.8; page numbers §6.22).

use super::{IS_BLOCKED, OF_A_SET, page, standard, words};
use crate::business_central::entity::{EntitySet, Page};

/// Accounts.
pub(super) fn accounts() -> EntitySet {
    EntitySet {
        enums: words("category accountType"),
        once: Some(IS_BLOCKED.to_owned()),
        page: Some(page(17)),
        ..standard(
            "accounts",
            "account",
            "id number displayName category subCategory blocked accountType directPosting lastModifiedDateTime",
        )
    }
}

/// Entries of the general ledger, which are only ever added: each is announced once, whatever becomes of it.
pub(super) fn entries() -> EntitySet {
    EntitySet {
        document: "entryNumber".to_owned(),
        serial: Some("entryNumber".to_owned()),
        enums: words("documentType"),
        dimensions: Some(OF_A_SET),
        once: Some("'posted'".to_owned()),
        page: Some(Page {
            id: 20,
            unposted_id: 20,
            field: "Entry No.",
        }),
        ..standard(
            "generalLedgerEntries",
            "general-ledger-entry",
            "id entryNumber postingDate documentNumber documentType accountId accountNumber description debitAmount
             creditAmount lastModifiedDateTime",
        )
    }
}
