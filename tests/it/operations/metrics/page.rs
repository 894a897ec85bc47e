//! The table in `docs/metrics.md`.

use std::{collections::BTreeMap, fs, path::Path};

use super::exposition::Family;

/// What the page says that `role` serves.
pub(super) fn served_by(role: &str) -> BTreeMap<String, Family> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `signalbox_"));
    let mut served = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, _, by] = cells[..] else {
            panic!("{row} has not five cells");
        };
        assert!(["every role", "ingress", "worker"].contains(&by), "{row}");
        if role == "all" || by == "every role" || by == role {
            let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned);
            let family = Family {
                kind: kind.to_owned(),
                labels: labels.collect(),
            };
            let twice = served.insert(name.trim_matches('`').to_owned(), family);
            assert!(twice.is_none(), "{name} is there twice");
        }
    }
    served
}
