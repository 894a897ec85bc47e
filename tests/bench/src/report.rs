//! What was measured, as JSON for programs and as rows for people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{figures::Figures, measure::Rounds, server::Aof, shape::Shape};

/// One shape under one setting of the log.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    shape: Shape,
    aof: Aof,
    unit: &'static str,
    us: Option<Figures>,
    peers: BTreeMap<&'static str, Figures>,
    limit: Option<Figures>,
}

impl Entry {
    pub(crate) fn new(shape: Shape, aof: Aof, rounds: &Rounds) -> Self {
        let figures = rounds.samples.iter();
        let mut peers: BTreeMap<&'static str, Figures> = figures
            .filter_map(|(name, samples)| Some((*name, Figures::of(samples)?)))
            .collect();
        Self {
            shape,
            aof,
            unit: shape.unit(),
            us: peers.remove("us"),
            peers,
            limit: Figures::of(&rounds.limit),
        }
    }

    /// A row of the table: shape, log, unit, ours, each peer, the limit.
    pub(crate) fn row(&self) -> String {
        let named = |name| show(self.peers.get(name));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            self.shape.word(),
            self.aof.word(),
            self.unit,
            show(self.us.as_ref()),
            named("bullmq-official"),
            named("apalis-redis"),
            named("bullmq-node"),
            show(self.limit.as_ref()),
        )
    }
}

/// The heading of the rows.
pub(crate) const HEADING: &str = "| shape | aof | unit | us | bullmq-official | apalis-redis | bullmq-node | limit |\n\
     |---|---|---|---|---|---|---|---|\n";

fn show(figures: Option<&Figures>) -> String {
    let Some(figures) = figures else {
        return "–".to_owned();
    };
    let cpu = figures.cpu_us_per_job.map(|cpu| ("µs of Redis", cpu));
    let more = figures.more.iter().map(|(name, value)| (*name, *value));
    let more: Vec<String> = more
        .chain(cpu)
        .map(|(name, value)| format!("{name} {}", number(value)))
        .collect();
    let median = number(figures.median);
    if more.is_empty() {
        median
    } else {
        format!("{median} ({})", more.join(", "))
    }
}

/// Thousands apart, and no more digits than mean something.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let first = (!first.is_empty()).then(|| first.into());
    let all: Vec<_> = first.into_iter().chain(groups).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::{Entry, HEADING, number};
    use crate::{figures::Sample, measure::Rounds, server::Aof, shape::Shape};

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let shown = [0.4321, 99.5, 654.0, 1234.4, 123_456.0, 1_234_567.0].map(number);
        assert_eq!(
            shown,
            ["0.43", "99.50", "654", "1,234", "123,456", "1,234,567"]
        );
    }

    #[test]
    fn an_entry_has_the_form_that_the_design_fixes() {
        let mut rounds = Rounds::default();
        let sample = Sample {
            value: 5.0,
            cpu_us_per_job: Some(2.0),
            ..Sample::default()
        };
        for name in ["us", "apalis-redis"] {
            rounds.samples.insert(name, vec![sample.clone()]);
        }
        let entry = Entry::new(Shape::Backlog1m, Aof::Always, &rounds);
        let figures = r#"{"median":5.0,"rounds":[5.0],"cpu_us_per_job":2.0}"#;
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            format!(
                r#"{{"shape":"backlog-1m","aof":"always","unit":"jobs/s","us":{figures},"peers":{{"apalis-redis":{figures}}},"limit":null}}"#
            )
        );
        let columns = |line: &str| line.matches('|').count();
        assert_eq!(
            columns(&entry.row()),
            HEADING.lines().map(columns).next().unwrap()
        );
    }
}
