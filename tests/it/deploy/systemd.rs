//! The units in deploy/systemd.

use std::{fs, process::Command};

use harness::{containers::root, fleet};
use signalbox_config::{Config, Environment};

use super::read;

const UNITS: [&str; 3] = [
    "signalbox.service",
    "signalbox-ingress.service",
    "signalbox-worker@.service",
];

fn unit(name: &str) -> String {
    read(&format!("deploy/systemd/{name}"))
}

/// What a unit sets a key to.
fn setting<'a>(unit: &'a str, key: &str) -> Option<&'a str> {
    unit.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn a_unit_waits_longer_for_its_process_than_the_process_for_its_jobs() {
    let config = Config::from_toml("", &Environment::from_variables::<&str, &str>([])).unwrap();
    // An ingress finishes its requests within 10 s.
    let longest = config.worker.shutdown.as_secs() + 10;
    for name in UNITS {
        let unit = unit(name);
        let stop = setting(&unit, "TimeoutStopSec").and_then(|span| span.strip_suffix('s'));
        let stop: u64 = stop.unwrap().parse().unwrap();
        assert!(stop > longest, "{name}: {stop} s");
    }
}

#[test]
fn the_units_allow_the_same_and_tell_their_process_alone_to_stop() {
    let hardening = |text: &str| {
        let (_, rest) = text.split_once("# What it may not do.").unwrap();
        rest.split_once("[Install]").unwrap().0.to_owned()
    };
    let first = unit(UNITS[0]);
    assert!(hardening(&first).contains("ProtectSystem=strict"));
    for name in UNITS {
        let unit = unit(name);
        assert_eq!(hardening(&unit), hardening(&first), "{name}");
        // With `control-group` the embedded Redis would be told to end before the jobs that need it.
        assert_eq!(setting(&unit, "KillMode"), Some("mixed"), "{name}");
        assert_eq!(setting(&unit, "User"), Some("signalbox"), "{name}");
    }
}

#[test]
fn a_secret_of_the_drop_in_is_one_that_the_configuration_takes() {
    let text = unit("secrets.conf");
    let line = setting(&text, "Environment").unwrap().trim_matches('\'');
    let (name, value) = line.split_once('=').unwrap();
    let value = value.replace("%d", "/run/credentials/signalbox.service");
    let page = read("README.md");
    let (_, example) = page.split_once("```toml").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let without = example.replace("client_secret = { env = \"CONTOSO_SECRET\" }\n", "");
    assert_ne!(without, example);
    let environment = Environment::from_variables([(name, value.as_str())])
        .with_file("/run/credentials/signalbox.service/contoso", "a secret\n");
    let config = Config::from_toml(&without, &environment);
    config
        .unwrap_or_else(|error| panic!("{error}"))
        .require_secrets()
        .unwrap();
}

/// Where there is no systemd, nothing can be asked.
#[test]
fn systemd_understands_the_units() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = fleet::program("signalbox").unwrap();
    let mut paths = Vec::new();
    for name in UNITS {
        // A unit whose program is not installed is refused for that.
        let text = unit(name).replace("/usr/local/bin/signalbox", program.to_str().unwrap());
        let path = folder.path().join(name.replace('@', "@9465"));
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let drop_in = folder.path().join("signalbox.service.d");
    fs::create_dir(&drop_in).unwrap();
    fs::copy(
        root().join("deploy/systemd/secrets.conf"),
        drop_in.join("secrets.conf"),
    )
    .unwrap();
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .args(paths)
        .output()
        .unwrap();
    // What is wrong with other units of the machine is said as well.
    let said = String::from_utf8_lossy(&verified.stderr);
    let of_ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("signalbox"))
        .collect();
    assert!(of_ours.is_empty(), "{of_ours:#?}");
}
