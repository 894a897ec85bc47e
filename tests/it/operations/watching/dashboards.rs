//! The dashboards as Grafana will read them.

use std::collections::BTreeSet;

use harness::watching::{Dashboard, dashboards, shipped};
use serde_json::{Value, json};

const SOURCES: &str = "deploy/grafana/provisioning/datasources/prometheus.yml";

fn panels(boards: &[Dashboard]) -> impl Iterator<Item = (String, &Value)> {
    let named = |file: &str, panel: &Value| format!("{file}: {}", panel["title"]);
    boards.iter().flat_map(move |board| {
        let panels = board.panels();
        panels.map(move |panel| (named(&board.file, panel), panel))
    })
}

#[test]
fn every_question_goes_to_the_data_source_that_is_provisioned() {
    let sources = shipped(SOURCES).unwrap();
    let uid = sources
        .lines()
        .find_map(|line| line.trim().strip_prefix("uid: "));
    let source = json!({ "type": "prometheus", "uid": uid.unwrap() });
    let boards = dashboards().unwrap();
    for (name, panel) in panels(&boards) {
        assert_eq!(panel["datasource"], source, "{name}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"], source, "{name}");
        }
    }
    for variable in boards.iter().flat_map(Dashboard::variables) {
        assert_eq!(variable["datasource"], source, "{}", variable["name"]);
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_how_its_lines_are_called() {
    for (name, panel) in panels(&dashboards().unwrap()) {
        for text in ["title", "description"] {
            let text = panel[text].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}");
        }
        let shown = &panel["fieldConfig"]["defaults"];
        assert!(shown["unit"].is_string(), "{name} has no unit");
        assert!(shown["thresholds"]["steps"].is_array(), "{name}");
        for target in panel["targets"].as_array().unwrap() {
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            assert!(!legend.is_empty(), "{name} has a line without a name");
        }
    }
}

#[test]
fn no_two_dashboards_or_panels_are_in_the_same_place() {
    let boards = dashboards().unwrap();
    let uids: BTreeSet<String> = boards
        .iter()
        .map(|board| board.json["uid"].to_string())
        .collect();
    assert_eq!(uids.len(), boards.len());
    for board in &boards {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in board.panels() {
            assert!(ids.insert(panel["id"].to_string()), "{}", panel["title"]);
            for cell in cells(&panel["gridPos"]) {
                assert!(taken.insert(cell), "{}: {}", board.file, panel["title"]);
            }
        }
    }
}

/// The cells of Grafana's grid, which is 24 wide.
fn cells(place: &Value) -> impl Iterator<Item = (u64, u64)> {
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| place[name].as_u64().unwrap());
    assert!(x + w <= 24, "{place} is too far to the right");
    (x..x + w).flat_map(move |x| (y..y + h).map(move |y| (x, y)))
}
