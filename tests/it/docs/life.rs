//! The page about a job's life, compared with what the queue says of itself and with its sources.

use std::{collections::BTreeSet, fs};

use signalbox_queue::{JobState, KEY_FAMILIES, TRANSITIONS, Transition};

use super::pages;

const PAGE: &str = "docs/job-lifecycle.md";

fn listed() -> BTreeSet<Transition> {
    TRANSITIONS.into_iter().collect()
}

/// The state called `word`; what is no state is where there is no job.
fn state(word: &str) -> Option<JobState> {
    let state = JobState::parse(word);
    assert!(
        state.is_some() || ["[*]", "nothing"].contains(&word),
        "{word}"
    );
    state
}

/// The cells of the rows of the table that begins with `head`.
fn table(head: &str) -> Vec<Vec<String>> {
    let page = pages::read(PAGE);
    let rows = page.lines().skip_while(|line| !line.starts_with(head));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.split('|')
            .skip(1)
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_diagram_draws_every_change_of_state_that_there_is_and_no_other() {
    let page = pages::read(PAGE);
    let (_, diagram) = page.split_once("stateDiagram-v2").unwrap();
    let (diagram, _) = diagram.split_once("```").unwrap();
    let arrows = diagram.lines().filter_map(|line| line.split_once("-->"));
    let drawn: Vec<Transition> = arrows
        .map(|(from, to)| {
            let to = to.split(':').next().unwrap_or_default();
            (state(from.trim()), state(to.trim()))
        })
        .collect();
    assert_eq!(drawn.len(), listed().len(), "an arrow is drawn twice");
    assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>(), listed());
}

#[test]
fn the_table_says_who_makes_each_change_of_state_and_no_other() {
    let words = |cell: &str| {
        let states: Vec<_> = pages::code(cell).iter().map(|word| state(word)).collect();
        if states.is_empty() {
            vec![state(cell)]
        } else {
            states
        }
    };
    let mut told = BTreeSet::new();
    for row in table("| from | to |") {
        for from in words(&row[0]) {
            told.extend(words(&row[1]).into_iter().map(|to| (from, to)));
        }
    }
    // A renewal changes no state.
    told.retain(|(from, to)| from != to);
    assert_eq!(told, listed());
}

#[test]
fn every_key_that_the_code_can_make_is_in_the_table_and_no_other() {
    let rows = table("| key | type |").into_iter();
    let told: Vec<(String, String)> = rows
        .map(|row| {
            let kind = row[1].split([' ', ',']).next().unwrap_or_default();
            (name(&row[0][1..]), kind.to_owned())
        })
        .collect();
    let known = KEY_FAMILIES.map(|(family, kind)| (family.to_owned(), kind.to_owned()));
    assert_eq!(told, known);
    let known = KEY_FAMILIES.map(|(family, _)| family.to_owned());
    assert_eq!(made_by_the_sources(), known.into_iter().collect());
}

/// The families that the scripts and `keys.rs` name. The entries of the trail are named by `trail.rs`.
fn made_by_the_sources() -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for script in pages::files("crates/signalbox-queue/lua", "lua") {
        let text = fs::read_to_string(script).unwrap();
        made.extend(text.split("P .. '").skip(1).map(name));
    }
    let keys = pages::read("crates/signalbox-queue/src/keys.rs");
    made.extend(keys.split("{prefix}").skip(1).map(name));
    let trail = pages::read("crates/signalbox-queue/src/trail.rs");
    let entries = trail.split("prefix, &format!(\"").skip(1);
    made.extend(entries.map(name));
    // What a script or a function is given as a whole begins with no name.
    made.remove("");
    made
}

/// What stands before anything that is no letter.
fn name(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_');
    text[..end.unwrap_or(text.len())].to_owned()
}
