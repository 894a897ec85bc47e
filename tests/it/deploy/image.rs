//! deploy/Dockerfile, as far as it can be wrong without anybody noticing until it is built.

use std::{collections::BTreeSet, fs};

use harness::containers::root;

use super::read;

#[test]
fn the_image_is_built_from_the_manifest_of_every_crate() {
    let text = read("deploy/Dockerfile");
    let copied: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("COPY ")?.split_once("/Cargo.toml "))
        .map(|(folder, _)| folder)
        .collect();
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| {
        let name = entry.unwrap().file_name();
        format!("crates/{}", name.to_string_lossy())
    });
    let members: Vec<String> = crates.chain(["tests".into(), "xtask".into()]).collect();
    assert_eq!(copied, members.iter().map(String::as_str).collect());
}

#[test]
fn the_image_is_run_by_nobody_special_and_asked_by_the_program_itself() {
    let text = read("deploy/Dockerfile");
    for line in [
        "USER 10001",
        "VOLUME /var/lib/signalbox",
        "ENTRYPOINT [\"signalbox\"]",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    assert!(text.contains("CMD [\"signalbox\", \"healthcheck\"]"));
    // What only BuildKit knows would shut out docker-compose 1.29.
    for unknown in [
        "# syntax=",
        "--mount",
        "<<EOF",
        "COPY --chmod",
        "COPY --link",
    ] {
        assert!(!text.contains(unknown), "{unknown}");
    }
}
