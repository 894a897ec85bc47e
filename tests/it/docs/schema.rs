//! The schema of the configuration, held against the files that it is for.

use harness::json_schema::objections;
use serde_json::Value;
use signalbox_config::{DEFAULTS, schema};

use super::pages;

fn json(toml: &str) -> Value {
    let table: toml::Table = toml.parse().unwrap_or_else(|error| panic!("{error}"));
    serde_json::to_value(table).unwrap()
}

/// The file of defaults with every setting switched on.
fn complete() -> Value {
    let lines = DEFAULTS.lines().map(|line| match line.strip_prefix('#') {
        Some(code) if !code.is_empty() && !code.starts_with(' ') => code,
        _ => line,
    });
    json(&lines.collect::<Vec<_>>().join("\n"))
}

fn readme() -> Value {
    let page = pages::read("README.md");
    let (_, example) = page.split_once("```toml").unwrap();
    json(example.split_once("```").unwrap().0)
}

#[test]
fn the_schema_takes_the_defaults_every_setting_and_the_example_of_the_readme() {
    let schema = schema();
    for file in [json(DEFAULTS), complete(), readme(), json("")] {
        assert_eq!(objections(&schema, &file), [""; 0], "{file:#}");
    }
}

#[test]
fn several_companies_and_environments_are_taken_in_the_place_of_one() {
    let connection = "[connections.erp]\nkind = \"business-central\"\ncredential = \"contoso\"\n";
    let schema = schema();
    for fine in [
        "environments = [\"Production\", \"Trials\"]\ncompanies = \"all\"",
        "environment = \"Production\"\ncompanies = [\"A\", \"B\"]",
    ] {
        let file = json(&format!("{connection}{fine}"));
        assert_eq!(objections(&schema, &file), [""; 0], "{fine}");
    }
    let wrong = json(&format!("{connection}companies = \"some\""));
    assert_ne!(objections(&schema, &wrong), [""; 0]);
}

#[test]
fn a_setting_that_is_not_known_is_refused_at_every_depth() {
    let schema = schema();
    let mut tables = vec![String::new()];
    let complete = complete();
    while let Some(place) = tables.pop() {
        let table = complete.pointer(&place).unwrap();
        let below = table.as_object().unwrap().iter();
        tables.extend(
            below
                .filter(|(_, it)| it.is_object())
                .map(|(key, _)| format!("{place}/{key}")),
        );
        // What people name may be called anything, but must be a table.
        let mut changed = complete.clone();
        changed.pointer_mut(&place).unwrap()["surprise"] = 1.into();
        assert_ne!(
            objections(&schema, &changed),
            [""; 0],
            "`surprise` in `{place}`"
        );
    }
}

#[test]
fn what_the_reader_would_refuse_is_refused_where_an_editor_can_know_it() {
    let schema = schema();
    for wrong in [
        "cloud = \"moon\"",
        "flood_limit = \"200\"",
        "[redis]\npartitions = 0",
        "[worker]\nqueues = [\"read\", \"write\"]",
        "[credentials.contoso]\nclient_id = \"a\"",
        "[connections.erp]\nkind = \"sap\"\ncredential = \"contoso\"",
        "[connections.\"a b\"]\nkind = \"teams\"\ncredential = \"contoso\"",
        "[redis]\npassword = { env = \"A\", file = \"b\" }",
    ] {
        assert_ne!(objections(&schema, &json(wrong)), [""; 0], "{wrong}");
    }
}
