//! What `deploy/` says about watching a system: rules, dashboards, and a Prometheus that plays them.

mod dashboards;
mod prometheus;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

pub use self::{
    dashboards::{Dashboard, Question, dashboards},
    prometheus::{Prometheus, Watched},
};

/// A file or folder, by its path from the root of the workspace.
pub fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The text of a file, by its path from the root of the workspace.
pub fn shipped(path: &str) -> Result<String> {
    fs::read_to_string(place(path)).with_context(|| format!("`{path}` cannot be read"))
}

/// The figures of ours that a text names. Those of a histogram count as one.
pub fn figures(text: &str) -> BTreeSet<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !letter(c));
    let ours = words.filter(|word| word.starts_with("signalbox_") && !word.ends_with('_'));
    ours.map(figure).collect()
}

fn figure(word: &str) -> String {
    let parts = ["_bucket", "_count", "_sum"];
    let whole = parts.iter().find_map(|part| word.strip_suffix(part));
    whole.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn a_figure_is_found_in_an_expression_and_its_parts_are_one() {
        let text = "rate(signalbox_job_seconds_bucket{queue=\"read\"}[5m]) / signalbox_jobs_total, signalbox-queues";
        let found: Vec<String> = figures(text).into_iter().collect();
        assert_eq!(found, ["signalbox_job_seconds", "signalbox_jobs_total"]);
    }
}
