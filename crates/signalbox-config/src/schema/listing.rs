//! The file of defaults as a list: every setting with its comment, those without a default switched on.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::DEFAULTS;

/// What stands about a setting or a table.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The comment above it. Settings without a line between them share one.
    pub(super) about: String,
    /// Whether the file gives it its value; else that is an example.
    pub(super) is_default: bool,
}

/// The file.
#[derive(Debug)]
pub(super) struct Listing {
    /// All settings, with defaults and examples for values.
    pub(super) complete: Table,
    entries: BTreeMap<Vec<String>, Entry>,
}

impl Listing {
    pub(super) fn of_defaults() -> Self {
        let switched_on = DEFAULTS.lines().map(|line| code(line).unwrap_or(""));
        let switched_on = switched_on.collect::<Vec<_>>().join("\n");
        Self {
            complete: switched_on
                .parse()
                .expect("a test reads the file with everything switched on"),
            entries: entries(),
        }
    }

    pub(super) fn entry(&self, path: &[&str]) -> Option<&Entry> {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        self.entries.get(&path)
    }

    pub(super) fn value(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let first = self.complete.get(*first)?;
        rest.iter().try_fold(first, |value, part| value.get(*part))
    }
}

/// What a line sets, whether it is switched on or not. A comment has a blank behind its `#`.
fn code(line: &str) -> Option<&str> {
    let code = line.strip_prefix('#').unwrap_or(line);
    let comment = code.len() < line.len() && (code.is_empty() || code.starts_with(' '));
    (!comment).then_some(code)
}

fn entries() -> BTreeMap<Vec<String>, Entry> {
    let mut entries = BTreeMap::new();
    let (mut table, mut about, mut in_comment) = (Vec::new(), String::new(), false);
    for line in DEFAULTS.lines() {
        let Some(code) = code(line).filter(|code| !code.is_empty()) else {
            // A comment goes on until something else comes; a line between ends what it is about.
            if !in_comment || line.len() < 2 {
                about.clear();
            }
            in_comment = !line.is_empty();
            let text = line.trim_start_matches('#').trim();
            if !about.is_empty() && !text.is_empty() {
                about.push(' ');
            }
            about.push_str(text);
            continue;
        };
        in_comment = false;
        // The rest of a value that takes several lines sets nothing by itself.
        let Ok(parsed) = code.parse::<Table>() else {
            continue;
        };
        let mut path = if code.starts_with('[') {
            Vec::new()
        } else {
            table.clone()
        };
        path.extend(names(&parsed));
        if code.starts_with('[') {
            table.clone_from(&path);
        } else {
            path.truncate(table.len() + 1);
        }
        let entry = Entry {
            about: about.clone(),
            is_default: line.len() == code.len(),
        };
        entries.insert(path, entry);
    }
    entries
}

/// The way down to where a table has no single table below it.
fn names(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = Some(table);
    while let Some((name, value)) = next.and_then(|table| table.iter().next()) {
        names.push(name.clone());
        next = value.as_table();
    }
    names
}
