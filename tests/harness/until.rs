//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What takes longer than this on any machine does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Returns when `happened` says so; an error that names `what` if that takes longer than two minutes.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !happened().await {
        if start.elapsed() > PATIENCE {
            bail!("within {PATIENCE:?} it did not happen that {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
