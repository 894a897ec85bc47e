//! What the documents list, compared with the code: a page that names what is not there fails here.

mod commands;
mod life;
mod pages;
mod schema;

use std::{collections::BTreeSet, path::Path};

use signalbox_config::{Config, Environment};
use signalbox_jobs::{Cards, Routes};

/// Pages whose claims name the tests that keep them.
const CLAIMING: [&str; 7] = [
    "docs/promises.md",
    "docs/job-lifecycle.md",
    "docs/operations.md",
    "docs/config.md",
    "docs/metrics.md",
    "docs/sealed-secrets.md",
    "docs/business-central.md",
];

#[test]
fn every_test_that_a_page_names_exists() {
    let tests = pages::tests();
    let mut missing = BTreeSet::new();
    for page in CLAIMING {
        for span in pages::code(&pages::read(page)) {
            if pages::names_a_test(&span) && !tests.iter().any(|test| test.is_named(&span)) {
                missing.insert(format!("{page}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_page_about_a_jobs_life_names_every_script_and_no_other() {
    let page = pages::read("docs/job-lifecycle.md");
    let named: BTreeSet<String> = pages::code(&page)
        .into_iter()
        .filter(|span| Path::new(span).extension().is_some_and(|end| end == "lua"))
        .collect();
    let scripts = pages::files("crates/signalbox-queue/lua", "lua");
    let scripts: BTreeSet<String> = scripts
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(named, scripts);
}

#[test]
fn the_configuration_in_the_readme_can_be_used() {
    let page = pages::read("README.md");
    let (_, example) = page.split_once("```toml").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let secret = [("CONTOSO_SECRET", "a")];
    let config = Config::from_toml(example, &Environment::from_variables(secret));
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    config.require_secrets().unwrap();
    let routes = Routes::compile(&config, &Cards::shipped().unwrap()).unwrap();
    assert_eq!(routes.iter().count(), 1);
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages::markdown() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in pages::links(&text) {
            if !page.parent().unwrap().join(&link).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
