//! Numbers: one sample per round, and what a shape's rounds come to.

use std::collections::BTreeMap;

use serde::Serialize;

/// What one contestant showed in one round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// In the shape's unit.
    pub(crate) value: f64,
    /// Redis's processor time per job, in microseconds.
    pub(crate) cpu_us_per_job: Option<f64>,
    /// What else the shape tells, by name.
    pub(crate) more: BTreeMap<&'static str, f64>,
}

/// What the rounds of one contestant come to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) rounds: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_us_per_job: Option<f64>,
    /// Medians as well.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<&'static str, f64>,
}

impl Figures {
    /// `None` if no round was measured.
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let rounds: Vec<f64> = samples.iter().map(|sample| round(sample.value)).collect();
        let cpu: Vec<f64> = samples
            .iter()
            .filter_map(|one| one.cpu_us_per_job)
            .collect();
        let names = samples.first()?.more.keys();
        let more = names.filter_map(|name| {
            let values: Vec<f64> = samples
                .iter()
                .filter_map(|one| one.more.get(name))
                .copied()
                .collect();
            Some((*name, round(median(&values)?)))
        });
        Some(Self {
            median: median(&rounds)?,
            cpu_us_per_job: median(&cpu).map(round),
            more: more.collect(),
            rounds,
        })
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The value that `percent` of all do not exceed.
pub(crate) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// To what can be read: whole numbers when large, thousandths when small.
fn round(value: f64) -> f64 {
    if value.abs() >= 1000.0 {
        value.round()
    } else {
        (value * 1000.0).round() / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, Sample, median, percentile};

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&values, 50), Some(100.0));
        assert_eq!(percentile(&values, 99), Some(198.0));
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
    }

    #[test]
    fn rounds_that_were_not_measured_have_no_figures() {
        assert!(Figures::of(&[]).is_none());
        assert!(Figures::of(&[Sample::default()]).is_some());
    }
}
