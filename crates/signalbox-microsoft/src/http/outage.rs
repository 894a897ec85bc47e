//! Which failures speak of an upstream that is out of order, and how far each can be believed.
//!
//! One failure proves little; whoever counts them in a row decides when it is an outage.

use super::{error::Error, exchange::Defect};
use crate::entra::error::EntraError;

/// What the code of Business Central is for an environment that is being updated or is suspended
/// (facts, Business Central §5.3).
pub(crate) const TENANT_UNAVAILABLE: &str = "Internal_TenantUnavailable";

/// What a failure says about its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// The upstream says itself that it is away: no request would fare better.
    Announced,
    /// Nothing of this request was looked at, so any other would probably fare as badly.
    General,
    /// An upstream out of order answers like this, but one request that it cannot cope with does, too.
    Particular,
}

impl Error {
    /// What it says about the upstream, if it speaks of an outage at all.
    ///
    /// A 408 does not: Business Central was there and worked for eight minutes.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Unavailable { .. } if self.code() == Some(TENANT_UNAVAILABLE) => {
                Some(Outage::Announced)
            }
            Self::Unavailable { exchange, .. } => match exchange.status {
                Some(408) => None,
                Some(500 | 504) => Some(Outage::Particular),
                _ => Some(Outage::General),
            },
            Self::Unreachable { .. } => Some(Outage::General),
            Self::Interrupted { source, .. } => match source {
                Defect::DeadlinePassed => None,
                Defect::TimedOut(_) => Some(Outage::Particular),
                _ => Some(Outage::General),
            },
            Self::Garbled { source, .. } => {
                matches!(source, Defect::Empty | Defect::Page).then_some(Outage::General)
            }
            Self::NoToken { source } => matches!(
                source,
                EntraError::Unavailable { .. } | EntraError::Unreachable(_)
            )
            .then_some(Outage::General),
            _ => None,
        }
    }
}
