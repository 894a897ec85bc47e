//! The command line as documents show it.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory, error::ErrorKind};
use signalbox::cli::Cli;

use super::pages;

/// The public command line, which is held stable. A command beyond it needs a line in the changelog.
const PUBLIC: &[&str] = &[
    "all",
    "bench board",
    "bench ingress",
    "bench push",
    "bench queue",
    "board",
    "check",
    "completions",
    "config schema",
    "config show",
    "connections add",
    "connections guide",
    "dead list",
    "dead replay",
    "demo",
    "healthcheck",
    "ingress",
    "jobs cancel",
    "jobs hold",
    "jobs list",
    "jobs release",
    "jobs seen",
    "jobs show",
    "lanes close",
    "lanes limit",
    "lanes list",
    "lanes open",
    "load",
    "man",
    "push",
    "render",
    "replay",
    "routes baseline",
    "routes draft",
    "routes list",
    "routes pause",
    "routes resume",
    "schedules list",
    "schedules run",
    "secrets list",
    "secrets remove",
    "secrets rotate",
    "secrets set",
    "secrets sign-in",
    "simulate",
    "status",
    "subscriptions list",
    "subscriptions renew",
    "trail export",
    "trail show",
    "worker",
];

/// The commands that do something, with the words that lead to them.
fn existing() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let cli = Cli::command();
    for command in shown(&cli) {
        let below: Vec<&Command> = shown(command).collect();
        let name = command.get_name();
        if below.is_empty() {
            found.insert(name.to_owned());
        }
        found.extend(
            below
                .iter()
                .map(|child| format!("{name} {}", child.get_name())),
        );
    }
    found
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|child| !child.is_hide_set())
}

#[test]
fn every_command_is_one_of_the_public_surface() {
    let public: BTreeSet<String> = PUBLIC.iter().map(|name| (*name).to_owned()).collect();
    let strange: Vec<String> = existing().difference(&public).cloned().collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn the_page_about_operations_lists_every_command_and_no_other() {
    let page = pages::read("docs/operations.md");
    let rows = page.lines().filter_map(|line| {
        let row = line.strip_prefix("| `signalbox ")?;
        Some(row.split_once('`')?.0.to_owned())
    });
    assert_eq!(rows.collect::<BTreeSet<String>>(), existing());
}

#[test]
fn every_command_line_in_a_document_is_understood() {
    let mut wrong = Vec::new();
    // What an alert says to run is read at night.
    let rules = pages::files("deploy/prometheus", "yml");
    for page in pages::markdown().into_iter().chain(rules) {
        let text = std::fs::read_to_string(&page).unwrap();
        // What Prometheus fills in.
        let text = text.replace("{{$labels.queue}}", "read");
        for line in pages::code(&text) {
            if let Some(error) = misunderstood(&line) {
                wrong.push(format!("{}: `{line}`: {error}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Why a line that calls the program would be refused, apart from what the reader has to fill in.
fn misunderstood(line: &str) -> Option<ErrorKind> {
    let line = line.strip_prefix("./").unwrap_or(line);
    let words = line.split_whitespace();
    if words.clone().next() != Some("signalbox") {
        return None;
    }
    let words = words.take_while(|word| *word != "…");
    let refused = Cli::command().try_get_matches_from(words).err()?.kind();
    let left_to_the_reader = matches!(
        refused,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::ValueValidation
    );
    (!left_to_the_reader).then_some(refused)
}
