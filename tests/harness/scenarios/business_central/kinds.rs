//! The entity sets that the scenarios play with: how each is changed, and what its cards say.
//!
//! Every set has a route and a channel of its own, so that a card's channel says what it is about.

/// One entity set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Its name in URLs, which is the name of its channel as well.
    pub(super) set: &'static str,
    /// The card of its route.
    pub(super) card: &'static str,
    /// What its route announces once per document; nothing where it is left to the product.
    pub(super) once: Option<&'static str>,
    /// The field by which a reader sees the value.
    pub(super) field: &'static str,
    /// How its records change.
    pub(super) life: Life,
}

/// How the records of a set change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// A document that goes from status to status.
    Document {
        /// Before it is posted, the first included.
        unposted: &'static [&'static str],
        /// Once it is posted; none where documents never are.
        posted: &'static [&'static str],
    },
    /// A record that is given another name now and then.
    Named,
    /// An entry that is made and never changed.
    Entry,
}

const POSTED: &[&str] = &["Open", "Paid", "Canceled"];

/// A status that is announced for no document (facts, Business Central §3.3).
pub(super) const DRAFT: &str = "Draft";
/// What the status `Open` of a sales invoice means before it is posted (facts, Business Central §3.5).
pub(super) const RELEASED: &str = "Released";
/// What the blank member of an enum that blocks something means.
pub(super) const FREE: &str = "no";
/// What every name that the generator gives begins with.
pub(super) const ALIAS: &str = "Alias ";
/// What every description that the generator gives to an entry begins with.
pub(super) const ENTRY: &str = "Entry ";

/// A document that may be posted.
const fn document(
    set: &'static str,
    card: &'static str,
    unposted: &'static [&'static str],
    posted: &'static [&'static str],
) -> Kind {
    Kind {
        set,
        card,
        once: None,
        field: "status",
        life: Life::Document { unposted, posted },
    }
}

/// A record of which one field has one of a few values.
const fn master(
    set: &'static str,
    card: &'static str,
    field: &'static str,
    values: &'static [&'static str],
) -> Kind {
    Kind {
        field,
        ..document(set, card, values, &[])
    }
}

/// A record whose name is announced.
const fn named(set: &'static str, card: &'static str) -> Kind {
    Kind {
        set,
        card,
        once: Some("record.displayName"),
        field: "displayName",
        life: Life::Named,
    }
}

/// All of them.
pub(super) const ALL: &[Kind] = &[
    document("purchaseInvoices", "purchase-invoice", &[DRAFT], POSTED),
    document(
        "purchaseCreditMemos",
        "purchase-credit-memo",
        &[DRAFT, "In Review"],
        POSTED,
    ),
    document("salesInvoices", "sales-invoice", &[DRAFT, RELEASED], POSTED),
    document(
        "purchaseOrders",
        "purchase-order",
        &[DRAFT, "In Review", "Open"],
        &[],
    ),
    named("items", "item"),
    master("vendors", "vendor", "blocked", &[FREE, "Payment", "All"]),
    master(
        "customers",
        "customer",
        "blocked",
        &[FREE, "Ship", "Invoice", "All"],
    ),
    master(
        "employees",
        "employee",
        "status",
        &["Active", "Inactive", "Terminated"],
    ),
    named("accounts", "account"),
    // Each entry is announced once, whatever it says.
    Kind {
        set: "generalLedgerEntries",
        card: "general-ledger-entry",
        once: None,
        field: "description",
        life: Life::Entry,
    },
];

/// The set of this name.
pub(super) fn of(set: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.set == set)
}
