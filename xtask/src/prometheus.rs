//! Makes sure that there are `prometheus` and `promtool`, with which the tests judge what is in `deploy/prometheus`.
//!
//! The tests run a process of their own; whether the package has started a service makes no difference to them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::install::{self, Package};

/// Both are in one package everywhere.
const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];

const PROMETHEUS: Package = Package {
    what: "`prometheus` with its `promtool`",
    purpose: "the tests of alerts and dashboards run for themselves",
    apt: "prometheus",
    brew: "prometheus",
};

/// The paths of both programs, which are installed if they are not there and that is allowed.
pub(crate) fn ensure(yes: bool) -> Result<Vec<PathBuf>> {
    if let Some(programs) = find() {
        return Ok(programs);
    }
    install::install(&PROMETHEUS, yes)?;
    find().context(
        "`prometheus` was installed and cannot be found with its `promtool`; put their folder on the PATH",
    )
}

fn find() -> Option<Vec<PathBuf>> {
    let found = |name: &str| {
        let mut paths = install::folders().map(|folder| folder.join(name));
        paths.find(|path| path.is_file())
    };
    PROGRAMS.into_iter().map(found).collect()
}
