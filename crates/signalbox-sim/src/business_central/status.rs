//! The five states a purchase invoice ever has in Business Central.

use serde::{Deserialize, Serialize};

/// Status of a purchase invoice. Partial payments change nothing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum InvoiceStatus {
    /// Not posted, whatever its approval.
    Draft,
    /// Posted, with an open vendor ledger entry.
    Open,
    /// Posted, nothing left open.
    Paid,
    /// Posted and cancelled by a credit memo.
    Canceled,
    /// Itself the correction of a credit memo.
    Corrective,
}

impl InvoiceStatus {
    /// All of them, in the order of the enum on the wire.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Open,
        Self::Paid,
        Self::Canceled,
        Self::Corrective,
    ];

    /// The word on the wire, which is also the word on a card.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Open => "Open",
            Self::Paid => "Paid",
            Self::Canceled => "Canceled",
            Self::Corrective => "Corrective",
        }
    }
}
