//! A window in which an environment is serviced: every request is refused.

use std::time::Instant;

use http::StatusCode;

use super::refuse;
use crate::config::{MaintenanceAnswer, SimConfig};
use crate::errors::{self, Refusal};
use crate::faults::RetryAfter;
use crate::state::{Call, Shared};

/// Refuses while the environment is serviced. A `Retry-After` binds like any other.
pub(super) fn check(shared: &Shared, call: &Call) -> Result<(), Refusal> {
    let mut world = shared.world();
    let Some(until) = world.serviced() else {
        return Ok(());
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    match shared.config.maintenance {
        MaintenanceAnswer::RetryAfter => {
            let now = Instant::now();
            let wait = until.saturating_duration_since(now);
            world.lanes.close(&call.lane, now, wait);
            let message = "The environment is being updated.";
            let refusal = refuse(status, "ServiceUnavailable", message);
            let retry_after = RetryAfter::Secs(SimConfig::retry_after(wait));
            Err(errors::with_retry_after(refusal, retry_after))
        }
        MaintenanceAnswer::TenantUnavailable => {
            let message = "The tenant is not accessible.";
            Err(refuse(status, "Internal_TenantUnavailable", message))
        }
    }
}
