//! `signalbox secrets`: sealing secrets into a file, and putting them under another master key.
//!
//! No value is ever printed, and none is taken from an argument, where everybody on the machine could read it.

mod value;

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use signalbox_config::{Config, SealedSecret, SecretName};

use super::output;
use crate::{
    assembly,
    cli::{Global, SecretsCommand},
};

pub(crate) fn run(global: &Global, command: &SecretsCommand) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    match command {
        SecretsCommand::List => list(global, &config),
        SecretsCommand::Remove { name, force } => remove(global, &config, name, *force),
        SecretsCommand::Rotate => rotate(global, &config),
        SecretsCommand::Set { name } => set(global, &config, name),
    }
}

/// A line of the list.
struct Row {
    name: String,
    sealed: Option<SealedSecret>,
    used_by: Vec<String>,
    trouble: Option<String>,
}

/// Exits with 1 if a secret cannot be opened, or one that the configuration names is not there.
fn list(global: &Global, config: &Config) -> anyhow::Result<ExitCode> {
    let rows = rows(config)?;
    if global.json {
        let rows: Vec<Value> = rows.iter().map(told).collect();
        output::json(&json!(rows))?;
    } else {
        for row in &rows {
            print(row)?;
        }
    }
    Ok(output::answer(rows.iter().all(|row| row.trouble.is_none())))
}

fn rows(config: &Config) -> anyhow::Result<Vec<Row>> {
    let sealed = config.vault.list()?;
    let mut rows: Vec<Row> = sealed
        .into_iter()
        .map(|sealed| Row {
            name: sealed.name.to_string(),
            used_by: used_by(config, &sealed.name),
            trouble: sealed.trouble.as_ref().map(ToString::to_string),
            sealed: Some(sealed),
        })
        .collect();
    for (_, secret) in config.secrets() {
        let Some(name) = secret.sealed() else {
            continue;
        };
        if rows.iter().all(|row| row.name != name.as_str()) {
            rows.push(Row {
                name: name.to_string(),
                sealed: None,
                used_by: used_by(config, name),
                trouble: secret.reveal().err().map(|error| error.to_string()),
            });
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// The settings that name a sealed secret.
fn used_by(config: &Config, name: &SecretName) -> Vec<String> {
    let all = config.secrets().into_iter();
    all.filter(|(_, secret)| secret.sealed() == Some(name))
        .map(|(key, _)| key)
        .collect()
}

fn told(row: &Row) -> Value {
    json!({
        "name": row.name,
        "key_id": row.sealed.as_ref().map(|sealed| &sealed.key_id),
        "set_at": row.sealed.as_ref().map(|sealed| output::instant(sealed.set_at)),
        "used_by": row.used_by,
        "trouble": row.trouble,
    })
}

fn print(row: &Row) -> std::io::Result<()> {
    let sealed = match &row.sealed {
        Some(sealed) => format!(
            "set {}, under the master key {}",
            output::instant(sealed.set_at),
            output::plain(&sealed.key_id)
        ),
        None => "not sealed".to_owned(),
    };
    let used = match row.used_by.as_slice() {
        [] => "used by nothing".to_owned(),
        keys => format!("used by {}", keys.join(", ")),
    };
    output::line(&format!("{}  {sealed}, {used}", row.name))?;
    match &row.trouble {
        Some(trouble) => output::line(&format!("  -> {}", output::plain(trouble))),
        None => Ok(()),
    }
}

fn set(global: &Global, config: &Config, name: &SecretName) -> anyhow::Result<ExitCode> {
    let value = value::read(name)?;
    let at = assembly::clock().now();
    let (key_id, replaced) = config.vault.set(name, &value, at)?;
    let file = config.vault.path().display().to_string();
    if global.json {
        let answer = json!({ "name": name, "key_id": key_id, "file": file, "replaced": replaced });
        output::json(&answer)?;
    } else {
        let done = if replaced { "sealed anew" } else { "sealed" };
        output::line(&format!(
            "`{name}` is {done} in `{file}` under the master key {key_id}"
        ))?;
        if used_by(config, name).is_empty() {
            output::line(&format!(
                "no setting names it yet; write `{{ sealed = \"{name}\" }}` where it is needed"
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Exits with 1 if there was none of this name, or the configuration needs it.
fn remove(
    global: &Global,
    config: &Config,
    name: &SecretName,
    force: bool,
) -> anyhow::Result<ExitCode> {
    let used_by = used_by(config, name);
    let needed = !used_by.is_empty() && !force;
    let removed = !needed && config.vault.remove(name)?;
    if global.json {
        output::json(&json!({ "name": name, "removed": removed, "used_by": used_by }))?;
    } else if needed {
        output::line(&format!(
            "`{name}` stays, because it is used by {}; change that first, or add `--force`",
            used_by.join(", ")
        ))?;
    } else if removed {
        output::line(&format!("`{name}` is removed"))?;
    } else {
        let file = config.vault.path().display();
        output::line(&format!("there is no sealed secret `{name}` in `{file}`"))?;
    }
    Ok(output::answer(removed))
}

/// Exits with 1 if a secret cannot be opened; then nothing is changed.
fn rotate(global: &Global, config: &Config) -> anyhow::Result<ExitCode> {
    let rotation = config.vault.rotate().context("nothing was changed")?;
    let whole = rotation.unreadable.is_empty();
    let rewrapped = if whole { rotation.rewrapped } else { 0 };
    let troubles = rotation.unreadable.iter().map(ToString::to_string);
    if global.json {
        output::json(&json!({
            "key_id": rotation.key_id,
            "rewrapped": rewrapped,
            "already": rotation.already,
            "unreadable": troubles.collect::<Vec<_>>(),
        }))?;
    } else if whole {
        output::line(&format!(
            "data keys that were wrapped anew under the master key {}: {rewrapped}; that were under it before: {}",
            rotation.key_id, rotation.already
        ))?;
        output::line("no secret needs `secrets.previous_master_keys` any more")?;
    } else {
        for trouble in troubles {
            output::line(&output::plain(&trouble))?;
        }
        output::line("nothing was changed")?;
    }
    Ok(output::answer(whole))
}
