//! `signalbox man`: a page for every command that people are shown.

use std::{collections::BTreeSet, fs};

use clap::{Command, CommandFactory};
use signalbox::cli::Cli;

use super::Desk;

/// The pages that there ought to be: one for the command called `name`, and one for each below it.
fn wanted(command: &Command, name: &str) -> BTreeSet<String> {
    let below = command.get_subcommands().filter(|one| !one.is_hide_set());
    let below = below.flat_map(|one| wanted(one, &format!("{name}-{}", one.get_name())));
    below.chain([format!("{name}.1")]).collect()
}

#[tokio::test]
async fn every_command_has_its_page_and_those_of_processes_have_none() {
    let desk = Desk::new().await;
    let ended = desk.run("man share/man/man1").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let folder = desk.dir.path().join("share/man/man1");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names, wanted(&Cli::command(), "signalbox"));
    let page = fs::read_to_string(folder.join("signalbox-jobs-hold.1")).unwrap();
    for text in [".SH SYNOPSIS", "EXIT STATUS", "json", "signalbox (1)"] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    assert!(!names.iter().any(|name| name.contains("redis-watch")));
}

#[tokio::test]
async fn without_a_folder_the_first_page_is_printed_and_names_the_others() {
    let desk = Desk::new().await;
    let printed = desk.run("man").await;
    assert!(
        printed.stdout.contains("signalbox\\-jobs(1)"),
        "{printed:?}"
    );
    let (code, answer) = desk.ask("man").await;
    assert_eq!((code, &answer["page"]), (0, &"signalbox.1".into()));
    assert_eq!(
        answer["text"].as_str().unwrap().trim_end(),
        printed.stdout.trim_end()
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let desk = Desk::new().await;
    fs::write(desk.dir.path().join("taken"), "").unwrap();
    let ended = desk.run("man taken/man1").await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`taken/man1`"), "{ended:?}");
}
