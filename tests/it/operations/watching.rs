//! What `deploy/` says about watching a system, judged by Prometheus' own tool and compared with the documents.
//!
//! That the figures are served and the questions have answers is seen with a real Prometheus, in the scenario `watched`.

mod dashboards;

use std::{collections::BTreeSet, process::Command};

use harness::watching::{dashboards as boards, figures, place, shipped};

const RULES: &str = "deploy/prometheus/rules.yml";
const TESTS: &str = "deploy/prometheus/rules.test.yml";
/// Where the rules say that help is.
const PAGE: &str = "https://github.com/signalbox/signalbox/blob/main/docs/operations.md#";

/// A rule, as it is written.
struct Rule {
    alert: String,
    text: String,
}

fn rules() -> Vec<Rule> {
    let text = shipped(RULES).unwrap();
    let rules = text.split("- alert: ").skip(1);
    let rule = |text: &str| Rule {
        alert: text.lines().next().unwrap().to_owned(),
        text: text.to_owned(),
    };
    rules.map(rule).collect()
}

/// What stands behind each `key: ` of a text.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim);
    lines
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        .collect()
}

/// Runs `promtool` where the rules are, and returns what it says if it is not content.
fn complaint(args: &[&str]) -> Option<String> {
    let output = Command::new("promtool")
        .args(args)
        .current_dir(place("deploy/prometheus"))
        .output()
        .expect("`promtool` is installed; `cargo xtask test` sees to it");
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn prometheus_own_tool_is_content_with_the_configuration_and_the_rules() {
    let complaint = complaint(&["check", "config", "prometheus.yml"]);
    assert_eq!(complaint, None, "{}", complaint.as_deref().unwrap_or(""));
}

#[test]
fn every_alert_is_raised_when_it_should_be_and_silent_in_a_system_that_is_well() {
    let complaint = complaint(&["test", "rules", "rules.test.yml"]);
    assert_eq!(complaint, None, "{}", complaint.as_deref().unwrap_or(""));
}

#[test]
fn every_rule_is_raised_in_a_test() {
    let pair = |alert: &str, severity: &str| (alert.to_owned(), severity.to_owned());
    let mut ruled = BTreeSet::new();
    for rule in rules() {
        let severity = values(&rule.text, "severity");
        assert_eq!(severity.len(), 1, "{}", rule.alert);
        ruled.insert(pair(&rule.alert, severity[0]));
    }
    let tests = shipped(TESTS).unwrap();
    let mut raised = BTreeSet::new();
    for case in tests.split("alertname: ").skip(1) {
        let alert = case.lines().next().unwrap();
        let severities = values(case, "severity");
        raised.extend(severities.iter().map(|severity| pair(alert, severity)));
    }
    assert_eq!(raised, ruled);
}

#[test]
fn every_alert_leads_to_its_section_and_every_section_is_of_an_alert() {
    let page = shipped("docs/operations.md").unwrap();
    let told: BTreeSet<String> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("### Alert ")?.to_owned()))
        .collect();
    let ruled: BTreeSet<String> = rules().into_iter().map(|rule| rule.alert).collect();
    assert_eq!(told, ruled);
    for rule in rules() {
        let anchor = format!("{PAGE}alert-{}", rule.alert.to_lowercase());
        assert_eq!(
            values(&rule.text, "runbook_url"),
            [anchor],
            "{}",
            rule.alert
        );
    }
}

#[test]
fn every_alert_says_what_it_is_about_and_what_it_is() {
    for rule in rules() {
        let summaries = values(&rule.text, "summary");
        assert_eq!(summaries.len(), 1, "{}", rule.alert);
        let (_, description) = rule.text.split_once("description: >-\n").unwrap();
        // Whatever a rule is grouped by names the thing.
        for label in grouped_by(&rule.text) {
            let shown = format!("$labels.{label}");
            assert!(summaries[0].contains(&shown), "{}: {label}", rule.alert);
            assert!(description.contains(&shown), "{}: {label}", rule.alert);
        }
    }
}

/// The labels that are left in the end: those of the first aggregation.
fn grouped_by(rule: &str) -> Vec<String> {
    let by = rule
        .split_once(" by (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let labels = by.map_or("", |(labels, _)| labels).split(", ");
    let labels = labels.filter(|label| !label.is_empty());
    labels.map(str::to_owned).collect()
}

#[test]
fn every_figure_that_is_told_of_is_on_a_dashboard_and_no_other_is_asked_for() {
    let told = figures(&shipped("docs/metrics.md").unwrap());
    let asked = boards()
        .unwrap()
        .into_iter()
        .flat_map(|board| board.questions());
    let shown: BTreeSet<String> = asked.flat_map(|one| figures(&one.written)).collect();
    assert_eq!(shown, told);
    let judged = figures(&shipped(RULES).unwrap());
    let strange: Vec<&String> = judged.difference(&told).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
