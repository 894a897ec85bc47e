use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, thread};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::{SecretName, Vault, VaultError};
use crate::{Config, Environment};

const A: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const B: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A folder with a file of sealed secrets, which several vaults can share.
struct Safe(TempDir);

impl Safe {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("secrets.json")
    }

    /// A vault with what `more` says of keys; the variables `A` and `B` hold one each.
    fn vault(&self, more: &str) -> std::sync::Arc<Vault> {
        let env = Environment::from_variables([("A", A), ("B", B), ("BAD", "not a key")]);
        let file = self.path();
        let text = format!("[secrets]\nfile = \"{}\"\n{more}", file.display());
        Config::from_toml(&text, &env.with_disk()).unwrap().vault
    }

    fn first(&self) -> std::sync::Arc<Vault> {
        self.vault("master_key = { env = \"A\" }")
    }

    /// The file with `change` made to its text.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.path()).unwrap();
        fs::write(self.path(), change(text)).unwrap();
    }
}

fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

fn set(vault: &Vault, text: &str, value: &str) {
    let value = SecretString::from(value);
    vault
        .set(&name(text), &value, Timestamp::UNIX_EPOCH)
        .unwrap();
}

fn open(vault: &Vault, text: &str) -> Result<String, VaultError> {
    let value = vault.open(&name(text))?;
    Ok(value.expose_secret().to_owned())
}

#[test]
fn what_was_sealed_is_opened_with_the_key_and_stands_nowhere_in_the_file() {
    let safe = Safe::new();
    let vault = safe.first();
    set(&vault, "one", "hunter2");
    set(&vault, "two", "hunter3");
    assert_eq!(open(&vault, "one").unwrap(), "hunter2");
    assert_eq!(open(&vault, "two").unwrap(), "hunter3");
    let text = fs::read_to_string(safe.path()).unwrap();
    assert!(!text.contains("hunter"), "{text}");
    let mode = fs::metadata(safe.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn another_key_is_told_which_key_is_needed_and_which_are_known() {
    let safe = Safe::new();
    set(&safe.first(), "one", "x");
    let other = "master_key = { env = \"B\" }\nprevious_master_keys = [{ env = \"GONE\" }, { env = \"BAD\" }]";
    let error = open(&safe.vault(other), "one").unwrap_err().to_string();
    assert_eq!(
        error,
        "the sealed secret `one` needs the master key `d4a8bb50db3235a4`, and known are `7398d45865c9891c` from the environment variable `B`, while the environment variable `GONE` is not set and the environment variable `BAD` does not hold 32 bytes in base64; add that key to `secrets.previous_master_keys`, or seal the secret anew with `signalbox secrets set one`"
    );
    let none = open(&safe.vault(""), "one").unwrap_err().to_string();
    assert!(none.contains("no master key is configured"), "{none}");
}

#[test]
fn a_secret_under_another_name_or_with_a_changed_byte_does_not_open() {
    let safe = Safe::new();
    let vault = safe.first();
    set(&vault, "one", "x");
    safe.edit(|text| text.replace("\"one\"", "\"two\""));
    let error = open(&vault, "two").unwrap_err();
    assert!(matches!(error, VaultError::Tampered { .. }), "{error}");
    safe.edit(|text| text.replace("\"two\"", "\"one\""));
    assert_eq!(open(&vault, "one").unwrap(), "x");
    let changed = |text: String| {
        let (head, tail) = text.rsplit_once("\"ciphertext\": \"").unwrap();
        let other = if tail.starts_with('A') { 'B' } else { 'A' };
        format!("{head}\"ciphertext\": \"{other}{}", &tail[1..])
    };
    safe.edit(changed);
    let error = open(&vault, "one").unwrap_err();
    assert!(matches!(error, VaultError::Tampered { .. }), "{error}");
}

#[test]
fn a_value_cannot_be_put_under_the_data_key_of_another() {
    let safe = Safe::new();
    let vault = safe.first();
    set(&vault, "a", "x");
    let first: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(safe.path()).unwrap()).unwrap();
    set(&vault, "a", "y");
    safe.edit(|text| {
        let mut now: serde_json::Value = serde_json::from_str(&text).unwrap();
        now["secrets"]["a"]["value"] = first["secrets"]["a"]["value"].clone();
        now.to_string()
    });
    assert!(matches!(
        open(&vault, "a"),
        Err(VaultError::Tampered { .. })
    ));
}

#[test]
fn a_rotation_wraps_data_keys_anew_leaves_values_alone_and_makes_the_old_key_superfluous() {
    let safe = Safe::new();
    set(&safe.first(), "one", "x");
    set(&safe.first(), "two", "y");
    let ciphertext = |text: &str| {
        let file: serde_json::Value = serde_json::from_str(text).unwrap();
        file["secrets"]["one"]["value"].clone()
    };
    let before = fs::read_to_string(safe.path()).unwrap();
    let both = safe.vault("master_key = { env = \"B\" }\nprevious_master_keys = [{ env = \"A\" }]");
    set(&both, "three", "z");
    let rotation = both.rotate().unwrap();
    assert_eq!((rotation.rewrapped, rotation.already), (2, 1));
    let after = fs::read_to_string(safe.path()).unwrap();
    assert_eq!(ciphertext(&before), ciphertext(&after));
    let only = safe.vault("master_key = { env = \"B\" }");
    for (name, value) in [("one", "x"), ("two", "y"), ("three", "z")] {
        assert_eq!(open(&only, name).unwrap(), value);
    }
    assert!(matches!(
        open(&safe.first(), "one"),
        Err(VaultError::UnknownKey { .. })
    ));
    let again = only.rotate().unwrap();
    assert_eq!((again.rewrapped, again.already), (0, 3));
    assert_eq!(fs::read_to_string(safe.path()).unwrap(), after);
}

#[test]
fn a_rotation_that_cannot_open_everything_changes_nothing_and_names_what_it_cannot_open() {
    let safe = Safe::new();
    set(&safe.first(), "one", "x");
    let other = safe.vault("master_key = { env = \"B\" }");
    set(&other, "two", "y");
    let before = fs::read_to_string(safe.path()).unwrap();
    let rotation = other.rotate().unwrap();
    assert_eq!(rotation.unreadable.len(), 1);
    let told = rotation.unreadable[0].to_string();
    assert!(told.contains("`one`"), "{told}");
    assert_eq!(fs::read_to_string(safe.path()).unwrap(), before);
}

#[test]
fn writers_at_the_same_time_lose_nothing_of_each_other() {
    let safe = Safe::new();
    thread::scope(|scope| {
        for writer in 0..8 {
            let vault = safe.first();
            scope.spawn(move || {
                for number in 0..5 {
                    set(&vault, &format!("{writer}-{number}"), "x");
                }
            });
        }
    });
    assert_eq!(safe.first().list().unwrap().len(), 40);
}

#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_replaced() {
    let safe = Safe::new();
    let real = safe.0.path().join("real.json");
    fs::write(&real, r#"{"format": "signalbox-secrets/1", "secrets": {}}"#).unwrap();
    std::os::unix::fs::symlink(&real, safe.path()).unwrap();
    set(&safe.first(), "one", "x");
    assert!(fs::symlink_metadata(safe.path()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("\"one\""));
}

#[test]
fn a_file_of_a_later_release_or_a_damaged_one_is_told_and_not_overwritten() {
    let safe = Safe::new();
    for (text, expected) in [
        (
            r#"{"format": "signalbox-secrets/2", "more": 1}"#,
            "is of the format",
        ),
        ("{", "is damaged"),
    ] {
        fs::write(safe.path(), text).unwrap();
        let value = SecretString::from("x");
        let refused = safe
            .first()
            .set(&name("one"), &value, Timestamp::UNIX_EPOCH);
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        assert_eq!(fs::read_to_string(safe.path()).unwrap(), text);
    }
}

#[test]
fn a_command_may_print_the_key_and_one_that_fails_or_hangs_is_told() {
    let safe = Safe::new();
    let vault = |script: &str, more: &str| {
        safe.vault(&format!(
            "master_key = {{ command = [\"sh\", \"-c\", \"{script}\"] }}\n{more}"
        ))
    };
    set(&vault(&format!("echo {A}"), ""), "one", "x");
    assert_eq!(open(&safe.first(), "one").unwrap(), "x");
    let told = |vault: &Vault| open(vault, "one").unwrap_err().to_string();
    let failed = told(&vault("exit 3", ""));
    assert!(
        failed.contains("the command `sh` ended with exit status: 3"),
        "{failed}"
    );
    let slow = told(&vault("sleep 60", "command_timeout_secs = 1"));
    assert!(slow.contains("did not end within 1 s"), "{slow}");
    let left_open = told(&vault("sleep 60 & exit 0", "command_timeout_secs = 1"));
    assert!(left_open.contains("did not end within 1 s"), "{left_open}");
}

#[test]
fn a_running_role_takes_up_a_key_that_comes_into_its_file_when_a_secret_needs_it() {
    let safe = Safe::new();
    let key = safe.0.path().join("key");
    fs::write(&key, A).unwrap();
    let running = safe.vault(&format!("master_key = {{ file = \"{}\" }}", key.display()));
    set(&running, "one", "x");
    assert_eq!(open(&running, "one").unwrap(), "x");
    safe.vault("master_key = { env = \"B\" }\nprevious_master_keys = [{ env = \"A\" }]")
        .rotate()
        .unwrap();
    assert!(open(&running, "one").is_err());
    fs::write(&key, B).unwrap();
    assert_eq!(open(&running, "one").unwrap(), "x");
}
