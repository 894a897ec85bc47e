//! Reading what Prometheus reads, as far as the tests need it.

use std::collections::{BTreeMap, BTreeSet};

/// A metric's type and the names of its labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) labels: BTreeSet<String>,
}

/// One answer of `/metrics`.
#[derive(Debug)]
pub(super) struct Exposition {
    families: BTreeMap<String, Family>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    pub(super) fn read(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut samples = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap();
                let twice = families.insert(name.to_owned(), named(kind));
                assert!(twice.is_none(), "{name} is named twice");
            } else if !line.starts_with('#') {
                let sample = Sample::read(line);
                let family = families.get_mut(sample.family());
                let family = family.unwrap_or_else(|| panic!("{line} comes before its name"));
                family.labels.extend(sample.labels.keys().cloned());
                // It tells one bucket from another and not one series.
                family.labels.remove("le");
                samples.push(sample);
            }
        }
        Self { families, samples }
    }

    pub(super) fn families(&self) -> &BTreeMap<String, Family> {
        &self.families
    }

    /// The value of the sample with exactly these labels.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.samples.iter().find(|sample| {
            sample.name == name
                && sample.labels.len() == labels.len()
                && labels
                    .iter()
                    .all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value))
        });
        found.map(|sample| sample.value)
    }

    /// How many samples have this name.
    pub(super) fn samples(&self, name: &str) -> usize {
        self.samples.iter().filter(|one| one.name == name).count()
    }
}

fn named(kind: &str) -> Family {
    Family {
        kind: kind.to_owned(),
        ..Family::default()
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap();
        // No value in these tests has a quotation mark in it.
        let parts: Vec<&str> = labels.split('"').collect();
        let pairs = parts.as_chunks::<2>().0.iter();
        let pairs = pairs.map(|[name, value]| {
            let name = name.trim_start_matches(',').trim_end_matches('=');
            (name.to_owned(), (*value).to_owned())
        });
        Self {
            name: name.to_owned(),
            labels: pairs.collect(),
            value: value.parse().unwrap(),
        }
    }

    /// The metric that it is a sample of.
    fn family(&self) -> &str {
        let endings = ["_bucket", "_sum", "_count"];
        let cut = endings.iter().find_map(|end| self.name.strip_suffix(end));
        cut.unwrap_or(&self.name)
    }
}
