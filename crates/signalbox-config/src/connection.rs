//! `[connections.NAME]`: credentials and addresses for one outside system, told apart by `kind`.

use std::sync::Arc;

use crate::{BusinessCentral, Credential, Teams};

/// A connection to one outside system.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Kind `business-central`.
    BusinessCentral(Box<BusinessCentral>),
    /// Kind `teams`.
    Teams(Box<Teams>),
}

impl Connection {
    /// The word in `kind = "…"`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BusinessCentral(_) => "business-central",
            Self::Teams(_) => "teams",
        }
    }

    /// Who signs in.
    pub fn credential(&self) -> &Arc<Credential> {
        match self {
            Self::BusinessCentral(connection) => &connection.credential,
            Self::Teams(connection) => &connection.credential,
        }
    }
}
