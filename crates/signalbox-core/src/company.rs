//! The companies that a connection has, as they were found: by id, because a name can change.
//!
//! Names are resolved once and kept, so that a rename or a copied environment shows as a difference and not as a new
//! company.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CompanyAddress, ConnectionName};

/// The register that holds a [`KnownCompany`] per `{connection}/{environment}/{company id}`.
pub const COMPANIES: &str = "companies";

/// A company that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCompany {
    /// Where it is.
    #[serde(flatten)]
    pub address: CompanyAddress,
    /// Its name when it was last seen.
    pub name: String,
    /// What the configuration called it: its name, its id, or nothing where all companies are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<String>,
    /// When it was first found.
    pub since: Timestamp,
    /// Why it is not followed any more, and what to do about it; `None` while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

impl KnownCompany {
    /// Its name in the register.
    pub fn key(connection: &ConnectionName, environment: &str, company: Uuid) -> String {
        format!("{connection}/{environment}/{company}")
    }

    /// Whether it belongs to `connection` and is followed.
    pub fn is_followed_by(&self, connection: &ConnectionName) -> bool {
        self.address.connection == *connection && self.left.is_none()
    }
}
