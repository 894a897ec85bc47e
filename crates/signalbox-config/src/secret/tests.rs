use std::fs;

use secrecy::ExposeSecret;

use crate::{Config, Environment, Secret, SecretError};

/// The client secret of a configuration that keeps it in `place`.
fn secret(place: &str, env: &Environment) -> Secret {
    let text =
        format!("[credentials.x]\ntenant_id = \"t\"\nclient_id = \"c\"\nclient_secret = {place}");
    let config = Config::from_toml(&text, env).unwrap();
    config.credentials["x"].client_secret.clone()
}

#[test]
fn a_followed_secret_is_the_one_in_the_file_now_and_the_last_one_once_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    fs::write(&file, "one\n").unwrap();
    let place = format!("{{ file = \"{}\" }}", file.display());
    let secret = secret(&place, &Environment::default().with_disk());
    let followed = secret.follow().unwrap();
    let current = || followed.current().expose_secret().to_owned();
    assert_eq!(current(), "one");
    fs::write(&file, "two").unwrap();
    assert_eq!(current(), "two");
    fs::write(&file, "\n").unwrap();
    assert_eq!(current(), "two");
    fs::remove_file(&file).unwrap();
    assert_eq!(current(), "two");
}

#[test]
fn a_secret_that_was_never_there_cannot_be_followed() {
    let secret = secret("{ env = \"NOWHERE\" }", &Environment::default());
    let error = secret.follow().unwrap_err();
    assert!(matches!(error, SecretError::NotSet(name) if name == "NOWHERE"));
}
