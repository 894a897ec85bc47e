//! The demo as a user runs it.

use anyhow::Result;

use super::{Criterion, Size};
use crate::fleet;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let (seconds, signals) = size.pick(("20", 500), ("4", 50));
    let dir = tempfile::tempdir()?;
    let args = ["demo", "--exit-after-secs", seconds, "--json"];
    let (code, result) = fleet::ask(dir.path(), &args).await?;
    let figure = |name: &str| result[name].as_u64().unwrap_or(u64::MAX);
    Ok(vec![
        Criterion::at_least("demo: signals", figure("signals"), signals),
        Criterion::at_least("demo: cards delivered", figure("delivered"), 1),
        Criterion::none("demo: lost", figure("lost")),
        Criterion::none("demo: duplicates", figure("duplicates")),
        Criterion::none("demo: dead", figure("dead")),
        Criterion::exactly("demo: exit code", code.unsigned_abs().into(), 0),
    ])
}
