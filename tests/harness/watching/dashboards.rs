//! The dashboards as they are shipped, and the questions that they ask of Prometheus.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::place;

const FOLDER: &str = "deploy/grafana/dashboards";

/// A dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// The name of its file.
    pub file: String,
    /// All of it.
    pub json: Value,
}

/// One thing that a dashboard asks.
#[derive(Debug, Clone)]
pub struct Question {
    /// The dashboard and the panel or variable.
    pub place: String,
    /// As it is written, with variables.
    pub written: String,
}

/// All that are shipped, by name.
pub fn dashboards() -> Result<Vec<Dashboard>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(place(FOLDER))? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path)?;
        let json = serde_json::from_str(&text).with_context(|| format!("`{file}` is no JSON"))?;
        let file = file.into_owned();
        found.push(Dashboard { file, json });
    }
    ensure!(!found.is_empty(), "there is no dashboard in `{FOLDER}`");
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

impl Dashboard {
    /// What it shows.
    pub fn panels(&self) -> impl Iterator<Item = &Value> {
        list(&self.json["panels"])
    }

    /// What it lets people choose by.
    pub fn variables(&self) -> impl Iterator<Item = &Value> {
        list(&self.json["templating"]["list"])
    }

    /// Everything that it asks.
    pub fn questions(&self) -> Vec<Question> {
        let panels = self.panels().flat_map(|panel| {
            let asked = list(&panel["targets"]).map(|target| &target["expr"]);
            asked.map(|written| self.question(&panel["title"], written))
        });
        let variables = self.variables();
        let choices = variables.map(|one| self.question(&one["label"], &one["query"]["query"]));
        panels.chain(choices).collect()
    }

    fn question(&self, place: &Value, written: &Value) -> Question {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Question {
            place: format!("{}: {}", self.file, text(place)),
            written: text(written),
        }
    }
}

impl Question {
    /// As Grafana would send it, with all of every variable chosen and so long a range behind each point.
    pub fn sent(&self, range: &str) -> String {
        let filled = self
            .written
            .replace("$__rate_interval", range)
            .replace("$__range", range)
            .replace("$connection", ".*")
            .replace("$queue", ".*");
        // What a variable offers is what a label of a figure has.
        let choice = filled.strip_prefix("label_values(");
        match choice.and_then(|rest| rest.strip_suffix(')')?.split_once(", ")) {
            Some((figure, label)) => format!("group by ({label}) ({figure})"),
            None => filled,
        }
    }

    /// Whether it has no answer while nothing is wrong. Where it says what to take instead, it always has one.
    pub fn is_about_a_fault(&self) -> bool {
        const FAULTS: [&str; 4] = [
            "signalbox_gate_closed_seconds",
            "signalbox_lane_broken",
            "status=\"429\"",
            "status=~\"429",
        ];
        let named = FAULTS.iter().any(|fault| self.written.contains(fault));
        named && !self.written.ends_with("or vector(0)")
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::Question;

    fn sent(written: &str) -> String {
        let (place, written) = (String::new(), written.to_owned());
        Question { place, written }.sent("20s")
    }

    #[test]
    fn variables_are_filled_in_as_grafana_does() {
        let rate = "rate(jobs{queue=~\"$queue\"}[$__rate_interval])";
        assert_eq!(sent(rate), "rate(jobs{queue=~\".*\"}[20s])");
        let choice = "label_values(jobs, queue)";
        assert_eq!(sent(choice), "group by (queue) (jobs)");
    }
}
