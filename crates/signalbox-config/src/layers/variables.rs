//! Environment variables as keys: `SIGNALBOX__SECTION__KEY`.
//!
//! A variable's name has no lower case and no `-`, so each part is matched with the key that it can mean.

use figment::value::{Dict, Value};

use crate::Environment;

const PREFIX: &str = "SIGNALBOX__";

/// One variable of ours.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) key: Vec<String>,
    value: Value,
}

/// Every variable of ours, read in the light of the keys that the file and the defaults have.
pub(super) fn read(env: &Environment, known: &Dict) -> Vec<Variable> {
    env.variables()
        .filter_map(|(name, text)| {
            let rest = name.strip_prefix(PREFIX)?;
            let key = key_of(rest, known);
            let parts: Vec<&str> = key.iter().map(String::as_str).collect();
            let value = value_of(text, super::lookup(known, &parts));
            let name = name.to_owned();
            Some(Variable { name, key, value })
        })
        .collect()
}

/// The variables as nested tables. A variable beside one of its own parts gives way to it.
pub(super) fn nested(variables: &[Variable]) -> Dict {
    let mut root = Dict::new();
    for variable in variables {
        let Some((last, parents)) = variable.key.split_last() else {
            continue;
        };
        let mut table = &mut root;
        for part in parents {
            let next = table
                .entry(part.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            if !matches!(next, Value::Dict(..)) {
                *next = Value::from(Dict::new());
            }
            let Value::Dict(_, next) = next else {
                unreachable!("the line above made it a table");
            };
            table = next;
        }
        table.insert(last.clone(), variable.value.clone());
    }
    root
}

fn key_of(rest: &str, known: &Dict) -> Vec<String> {
    let mut level = Some(known);
    rest.split("__")
        .map(|part| {
            let folded = fold(part);
            let meant = level.and_then(|dict| dict.keys().find(|key| fold(key) == folded));
            let key = meant.cloned().unwrap_or(folded);
            level = level.and_then(|dict| dict.get(&key)?.as_dict());
            key
        })
        .collect()
}

fn fold(part: &str) -> String {
    part.to_ascii_lowercase().replace('-', "_")
}

/// A text where the key holds a text; otherwise what TOML makes of it, and a text if TOML makes nothing of it.
fn value_of(text: &str, known: Option<&Value>) -> Value {
    let as_text = Value::from(text);
    if matches!(known, Some(Value::String(..))) {
        return as_text;
    }
    let Ok(mut table) = toml::from_str::<toml::Table>(&format!("value = {text}")) else {
        return as_text;
    };
    match table.remove("value") {
        Some(value) if table.is_empty() && !value.is_datetime() => {
            Value::serialize(value).unwrap_or(as_text)
        }
        _ => as_text,
    }
}
