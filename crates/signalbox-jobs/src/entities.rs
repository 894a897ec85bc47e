//! The entity sets that a connection knows: those that come with Signalbox.

use signalbox_config::BusinessCentral;
use signalbox_microsoft::Entities;

/// The entity sets that `connection` knows.
pub(crate) fn entities(_connection: &BusinessCentral) -> Entities {
    Entities::shipped(false)
}
