//! Defaults, file and environment, laid over each other, with a memory of who said what.
//!
//! The layers are merged by key; a list is replaced as a whole. What `[defaults.…]` says is then put under every
//! connection of its kind and every route, so that later code reads complete tables only.

mod variables;

use std::collections::BTreeMap;

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use crate::{ConfigError, DEFAULTS, Environment};

/// A key as its parts: names of connections may contain dots.
pub(crate) type Path<'a> = &'a [&'a str];

/// The merged configuration before it has types.
#[derive(Debug)]
pub(crate) struct Layers {
    merged: Dict,
    file: Dict,
    file_name: String,
    /// Which variable set which key.
    variables: BTreeMap<Vec<String>, String>,
}

impl Layers {
    /// Lays `text`, which was read from `file_name`, over the defaults, and the environment over both.
    pub(crate) fn new(
        file_name: String,
        text: &str,
        env: &Environment,
    ) -> Result<Self, ConfigError> {
        let defaults = parse("signalbox.default.toml", DEFAULTS)?;
        let file = parse(&file_name, text)?;
        let written = Figment::from(Layer(defaults)).merge(Layer(file.clone()));
        let known: Dict = written
            .extract()
            .expect("a table of values is a table of values");
        let variables = variables::read(env, &known);
        let merged: Dict = written
            .merge(Layer(variables::nested(&variables)))
            .extract()
            .expect("a table of values is a table of values");
        let variables = variables.into_iter().map(|v| (v.key, v.name)).collect();
        Ok(Self {
            merged: with_defaults(merged),
            file,
            file_name,
            variables,
        })
    }

    /// Everything, `[defaults]` included.
    pub(crate) fn merged(&self) -> &Dict {
        &self.merged
    }

    /// The value of a key, if anyone gave it one.
    pub(crate) fn value(&self, path: Path<'_>) -> Option<&Value> {
        lookup(&self.merged, path)
    }

    /// The names in a table of named things, such as `[connections]`.
    pub(crate) fn names(&self, table: &str) -> Vec<String> {
        let entries = self.value(&[table]).and_then(Value::as_dict);
        entries.map_or_else(Vec::new, |dict| dict.keys().cloned().collect())
    }

    /// Whether the environment gave the key its value.
    pub(crate) fn is_from_variable(&self, path: Path<'_>) -> bool {
        self.variable(path).is_some()
    }

    /// Who gave the key its value, in words.
    pub(crate) fn origin(&self, path: Path<'_>) -> String {
        if let Some(name) = self.variable(path) {
            return format!("the environment variable `{name}`");
        }
        if lookup(&self.file, path).is_some() {
            return self.file_name.clone();
        }
        "the defaults".to_owned()
    }

    /// Where in `[defaults]` the value at `path` was put down from, if it was.
    pub(crate) fn inherited<'a>(&'a self, path: Path<'a>) -> Option<Vec<&'a str>> {
        let [table, name, rest @ ..] = path else {
            return None;
        };
        if rest.is_empty() || self.is_from_variable(path) || lookup(&self.file, path).is_some() {
            return None;
        }
        let kind = match *table {
            "connections" => kind(lookup(&self.merged, &[table, name])?.as_dict()?),
            "routes" => "route",
            _ => return None,
        };
        let path = [&["defaults", kind], rest].concat();
        lookup(&self.merged, &path).is_some().then_some(path)
    }

    fn variable(&self, path: Path<'_>) -> Option<&str> {
        (1..=path.len()).rev().find_map(|length| {
            let key: Vec<String> = path[..length]
                .iter()
                .map(|part| (*part).to_owned())
                .collect();
            self.variables.get(&key).map(String::as_str)
        })
    }
}

/// A layer as figment takes it.
struct Layer(Dict);

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("a layer of the configuration")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}

fn parse(file_name: &str, text: &str) -> Result<Dict, ConfigError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        // The line itself is not shown: it may hold a secret.
        ConfigError::Syntax {
            file: file_name.to_owned(),
            line: before.unwrap_or_default().matches('\n').count() + 1,
            reason: error.message().to_owned(),
        }
    })?;
    Ok(dict(&table))
}

fn dict(table: &toml::Table) -> Dict {
    let value = Value::serialize(table).expect("every TOML value has a figment value");
    value
        .into_dict()
        .expect("a TOML table becomes a figment table")
}

fn lookup<'a>(dict: &'a Dict, path: Path<'_>) -> Option<&'a Value> {
    let (last, parents) = path.split_last()?;
    let table = parents
        .iter()
        .try_fold(dict, |dict, part| dict.get(*part)?.as_dict())?;
    table.get(*last)
}

/// Puts `[defaults.KIND]` under the connections of that kind and `[defaults.route]` under the routes.
fn with_defaults(mut merged: Dict) -> Dict {
    let defaults = merged.get("defaults").and_then(Value::as_dict).cloned();
    let defaults = defaults.unwrap_or_default();
    for (table, kind_of) in [("connections", kind as KindOf), ("routes", |_| "route")] {
        let Some(Value::Dict(_, entries)) = merged.get_mut(table) else {
            continue;
        };
        for entry in entries.values_mut() {
            let Value::Dict(_, entry) = entry else {
                continue;
            };
            let below = defaults.get(kind_of(entry)).and_then(Value::as_dict);
            for (key, value) in below.into_iter().flatten() {
                entry.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    merged
}

/// Says under which name of `[defaults]` the defaults of an entry are.
type KindOf = fn(&Dict) -> &str;

fn kind(connection: &Dict) -> &str {
    let kind = connection.get("kind").and_then(Value::as_str);
    kind.unwrap_or_default()
}
