//! Where secrets may stand, and that they are shown nowhere.

use secrecy::ExposeSecret;

use super::{DESIGN, check, check_in, load, nothing, variables};
use crate::{Config, Environment};

fn with_secret(secret: &str) -> String {
    DESIGN.replace("{ env = \"CONTOSO_SECRET\" }", secret)
}

fn revealed(text: &str, env: &Environment) -> String {
    let config = Config::from_toml(text, env).unwrap();
    let secret = config.credentials["contoso"].client_secret.clone();
    secret.reveal().unwrap().expose_secret().to_owned()
}

#[test]
fn come_from_a_variable_or_a_file() {
    let env = variables(&[("CONTOSO_SECRET", "hunter2")]);
    assert_eq!(revealed(DESIGN, &env), "hunter2");
    let env = nothing().with_file("/run/secrets/x", "hunter3\n");
    let text = with_secret("{ file = \"/run/secrets/x\" }");
    assert_eq!(revealed(&text, &env), "hunter3");
}

#[test]
fn in_the_file_are_refused_unless_that_is_allowed() {
    let text = with_secret("\"hunter2\"");
    check_in(
        &nothing(),
        &text,
        "`credentials.contoso.client_secret` (`[redacted]`, from signalbox.toml) is a secret written out in the file; put it into an environment variable and write `{ env = \"NAME\" }`, or set `allow_plain_secrets = true` for a trial",
    );
    let allowed = format!("allow_plain_secrets = true\n{text}");
    assert_eq!(revealed(&allowed, &nothing()), "hunter2");
}

#[test]
fn may_be_written_into_the_variable_of_the_setting() {
    let text = with_secret("\"\"");
    let name = "SIGNALBOX__CREDENTIALS__CONTOSO__CLIENT_SECRET";
    assert_eq!(revealed(&text, &variables(&[(name, "hunter2")])), "hunter2");
    let url = variables(&[("SIGNALBOX__REDIS__URL", "redis://u:hunter2@h")]);
    assert!(Config::from_toml("", &url).is_ok());
    check(
        "[redis]\nurl = \"redis://u:hunter2@h\"",
        "`redis.url` (`redis://u:redacted@h`, from signalbox.toml) contains a secret written out in the file; leave the password out and write `redis.password = { env = \"NAME\" }`",
    );
}

#[test]
fn that_are_absent_are_told_to_the_roles_that_need_them() {
    let config = load(DESIGN);
    let error = config.require_secrets().unwrap_err();
    assert_eq!(
        error.problems()[0].to_string(),
        "`credentials.contoso.client_secret` has no secret: the environment variable `CONTOSO_SECRET` is not set; set it for the process that needs the secret"
    );
    let env = variables(&[("CONTOSO_SECRET", "x")]);
    assert!(
        Config::from_toml(DESIGN, &env)
            .unwrap()
            .require_secrets()
            .is_ok()
    );
}

#[test]
fn that_are_sealed_are_told_to_be_missing_with_the_command_that_seals_them() {
    let text = with_secret("{ sealed = \"x\" }");
    let error = load(&text).require_secrets().unwrap_err();
    assert_eq!(
        error.problems()[0].to_string(),
        "`credentials.contoso.client_secret` has no secret: there is no file `secrets.json`, which `secrets.file` names; put it beside the configuration, or seal a first secret with `signalbox secrets set NAME`"
    );
    let env = nothing().with_file(
        "secrets.json",
        r#"{"format": "signalbox-secrets/1", "secrets": {}}"#,
    );
    let config = Config::from_toml(&text, &env).unwrap();
    assert_eq!(
        config.require_secrets().unwrap_err().problems()[0].to_string(),
        "`credentials.contoso.client_secret` has no secret: the sealed secret `x` is not in `secrets.json`; seal it with `signalbox secrets set x`"
    );
}

#[test]
fn are_written_as_one_place_that_is_known() {
    let places = "a secret: `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ sealed = \"name\" }`";
    for (secret, reason) in [
        ("{ vault = \"x\" }", format!("does not know `vault`; write {places}")),
        ("{ command = [\"x\"] }", format!("does not know `command`; write {places}")),
        ("{ sealed = \"a b\" }", "cannot be the name of a secret; use 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`".to_owned()),
    ] {
        let expected = format!("`credentials.contoso.client_secret` (`{secret}`, from signalbox.toml) {reason}");
        check_in(&nothing(), &with_secret(secret), &expected);
    }
}

#[test]
fn that_open_others_are_neither_sealed_nor_written_out_in_the_file() {
    let expected = "a master key: `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ command = [\"program\", \"argument\"] }`";
    check(
        "[secrets]\nmaster_key = { sealed = \"x\" }",
        &format!(
            "`secrets.master_key` (`{{ sealed = \"x\" }}`, from signalbox.toml) cannot be sealed, because it opens what is; write {expected}"
        ),
    );
    check(
        "[secrets]\nmaster_key = \"hunter2\"",
        "`secrets.master_key` (`[redacted]`, from signalbox.toml) is a secret written out in the file; put it into an environment variable and write `{ env = \"NAME\" }`, or set `allow_plain_secrets = true` for a trial",
    );
    check(
        "[secrets]\nprevious_master_keys = [\"hunter2\"]",
        "`secrets.previous_master_keys` (`[\"[redacted]\"]`, from signalbox.toml) is a secret written out in the file; put it into an environment variable and write `{ env = \"NAME\" }`, or set `allow_plain_secrets = true` for a trial",
    );
}

#[test]
fn that_seal_payloads_are_refused_in_the_file_too() {
    let keys = r#"[redis]
payload_keys = [{ id = "a", secret = "hunter2" }]"#;
    let error = Config::from_toml(&format!("{keys}\n{DESIGN}"), &nothing()).unwrap_err();
    let text = format!("{error:?}");
    assert!(
        text.contains("payload_keys") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn are_never_shown() {
    let env = variables(&[
        ("CONTOSO_SECRET", "hunter2"),
        ("SIGNALBOX__REDIS__URL", "rediss://u:hunter2@h"),
        ("SIGNALBOX__HTTP__PROXY", "http://u:hunter2@proxy:1"),
    ]);
    let keys = r#"payload_keys = [{ id = "a", secret = "hunter2" }]"#;
    let masters = "[secrets]\nmaster_key = \"hunter2\"\nprevious_master_keys = [\"hunter2\"]";
    let text = format!(
        "allow_plain_secrets = true\n[redis]\npassword = \"hunter2\"\n{keys}\n{masters}\n{DESIGN}"
    );
    let config = Config::from_toml(&text, &env).unwrap();
    let shown = format!("{config:?}{env:?}{}", config.redacted_toml());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(config.redacted_toml().contains("CONTOSO_SECRET"));
}

#[test]
fn the_end_of_a_secret_is_the_beginning_of_its_day() {
    let text = DESIGN.replace(
        "client_secret =",
        "client_secret_expires = \"2027-01-31\"\nclient_secret =",
    );
    let expires = load(&text).credentials["contoso"].client_secret_expires;
    assert_eq!(expires, "2027-01-31T00:00:00Z".parse().ok());
    assert_eq!(
        load(DESIGN).credentials["contoso"].client_secret_expires,
        None
    );
    let problem = |written: &str| {
        let text = text.replace("\"2027-01-31\"", written);
        let error = Config::from_toml(&text, &nothing()).expect_err(&text);
        error.problems()[0].to_string()
    };
    assert_eq!(
        problem("\"in January\""),
        "`credentials.contoso.client_secret_expires` (`in January`, from signalbox.toml) is no date; write it as \
         \"2027-01-31\""
    );
    assert!(problem("2027-01-31").ends_with("write a text in quotes"));
}
