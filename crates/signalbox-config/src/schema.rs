//! The JSON Schema of `signalbox.toml`, for editors.
//!
//! It is made from the file of defaults, whose every setting a test compares with the types, and from the reader: which
//! words a setting can be, whether a number may be zero and what may not be missing is found out by asking it.

mod listing;
mod reader;

use serde_json::{Map, Value, json};
use toml::Table;

use self::{listing::Listing, reader::Reader};

/// Tables of things that people name.
const NAMED: [&str; 3] = ["connections", "credentials", "routes"];

/// A table of things that people name, within one of those; its example stands for all of them.
const NAMED_WITHIN: &str = "entities";

/// How a secret can be written, each with an example.
const SECRET_FORMS: [&str; 4] = ["command", "env", "file", "sealed"];

/// The schema (draft-07, which the language servers for TOML know).
pub fn schema() -> Value {
    let listing = Listing::of_defaults();
    let reader = Reader::new(listing.complete.clone());
    let making = Making { listing, reader };
    let mut schema = making.root();
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "signalbox.toml".into();
    schema
}

struct Making {
    listing: Listing,
    reader: Reader,
}

impl Making {
    fn root(&self) -> Value {
        let mut properties = Map::new();
        for (key, value) in &self.listing.complete {
            let path = [key.as_str()];
            let one = match value {
                toml::Value::Table(_) if key == "defaults" => self.defaults(),
                toml::Value::Table(examples) if NAMED.contains(&key.as_str()) => {
                    self.named(key, examples)
                }
                value => self.setting(&path, value),
            };
            properties.insert(key.clone(), one);
        }
        object(properties, Vec::new())
    }

    /// What holds for all of a kind: the same settings, of which none is required.
    fn defaults(&self) -> Value {
        let mut kinds = Map::new();
        for (path, kind) in self.examples() {
            kinds.insert(
                kind.clone(),
                object(self.properties(&path, &kind), Vec::new()),
            );
        }
        object(kinds, Vec::new())
    }

    fn named(&self, table: &str, examples: &Table) -> Value {
        let mut all: Vec<Value> = examples
            .iter()
            .map(|(name, example)| self.example(&[table, name], example))
            .collect();
        let each = if all.len() == 1 {
            all.remove(0)
        } else {
            json!({ "oneOf": all })
        };
        let mut named = json!({ "type": "object", "additionalProperties": each });
        let named_badly = examples.values().next().cloned();
        if named_badly.is_some_and(|one| self.reader.refuses(&[table, "a b"], one)) {
            let name = "^[a-zA-Z0-9_.-]{1,64}$";
            named["propertyNames"] = json!({ "pattern": name });
        }
        named
    }

    fn example(&self, path: &[&str; 2], example: &toml::Value) -> Value {
        let kind = kind_of(path[0], example);
        let mut properties = self.properties(path, &kind);
        let mut required = self.required(path, example);
        for (one, several, written) in several() {
            if properties.contains_key(one) {
                properties.insert(several.to_owned(), written);
                // The reader says which of the two is missing.
                required.retain(|key| key != one);
            }
        }
        let mut one = object(properties, required);
        if example.get("kind").is_some() {
            one["properties"]["kind"]["const"] = kind.into();
        }
        self.explain(path, &mut one);
        one
    }

    /// The examples of what has defaults: where each is, and what the table of its defaults is called.
    fn examples(&self) -> Vec<([&str; 2], String)> {
        let mut found = Vec::new();
        for table in NAMED {
            let examples = self
                .listing
                .complete
                .get(table)
                .and_then(|it| it.as_table());
            for (name, example) in examples.into_iter().flatten() {
                let kind = kind_of(table, example);
                if self.listing.value(&["defaults", &kind]).is_some() {
                    found.push(([table, name.as_str()], kind));
                }
            }
        }
        found
    }

    /// The settings of an example and those that have a default.
    fn properties(&self, path: &[&str; 2], kind: &str) -> Map<String, Value> {
        let mut properties = Map::new();
        for path in [&["defaults", kind], path] {
            let table = self.listing.value(path).and_then(|it| it.as_table());
            for (key, value) in table.into_iter().flatten() {
                let setting = self.setting(&[path[0], path[1], key], value);
                properties.insert(key.clone(), setting);
            }
        }
        properties
    }

    /// What the reader misses when it is not there.
    fn required(&self, path: &[&str], example: &toml::Value) -> Vec<String> {
        let keys = example.as_table().into_iter().flatten().map(|(key, _)| key);
        let missed = keys.filter(|key| self.reader.misses(&[path, &[key]].concat()));
        missed.cloned().collect()
    }

    fn setting(&self, path: &[&str], value: &toml::Value) -> Value {
        let mut setting = match value {
            toml::Value::Table(table) if is_secret(table) => self.secret(path),
            toml::Value::Table(examples) if path.last() == Some(&NAMED_WITHIN) => {
                let each = examples.iter().next().map(|(name, example)| {
                    let path = [path, &[name.as_str()]].concat();
                    self.setting(&path, example)
                });
                json!({ "type": "object", "additionalProperties": each })
            }
            toml::Value::Table(table) => {
                let properties = table.iter().map(|(key, value)| {
                    let below = self.setting(&[path, &[key]].concat(), value);
                    (key.clone(), below)
                });
                let required = self.required(path, value);
                object(properties.collect(), required)
            }
            toml::Value::Array(items) => {
                let item = [path, &["0"]].concat();
                let text = toml::Value::String(String::new());
                let items = self.setting(&item, items.first().unwrap_or(&text));
                json!({ "type": "array", "items": items })
            }
            toml::Value::String(_) => self.text(path),
            toml::Value::Integer(_) => self.number(path),
            toml::Value::Float(_) => self.fraction(path),
            toml::Value::Boolean(_) => json!({ "type": "boolean" }),
            toml::Value::Datetime(_) => json!({ "type": "string" }),
        };
        self.explain(path, &mut setting);
        setting
    }

    fn secret(&self, path: &[&str]) -> Value {
        let mut ways = vec![json!({
            "type": "string",
            "description": "Written out: only with `allow_plain_secrets = true`.",
        })];
        for form in SECRET_FORMS {
            let (text, schema) = if form == "command" {
                let text = toml::Value::Array(vec!["x".into()]);
                (
                    text,
                    json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
                )
            } else {
                ("x".into(), json!({ "type": "string" }))
            };
            let written = Table::from_iter([(form.to_owned(), text)]);
            if !self.reader.refuses(path, written.into()) {
                let properties = Map::from_iter([(form.to_owned(), schema)]);
                ways.push(object(properties, vec![form.to_owned()]));
            }
        }
        json!({ "oneOf": ways })
    }

    fn text(&self, path: &[&str]) -> Value {
        match self.reader.words(path) {
            Some(words) => json!({ "type": "string", "enum": words }),
            None => json!({ "type": "string" }),
        }
    }

    fn number(&self, path: &[&str]) -> Value {
        let zero = self.reader.refuses(path, 0.into());
        json!({ "type": "integer", "minimum": u8::from(zero) })
    }

    fn fraction(&self, path: &[&str]) -> Value {
        if self.reader.refuses(path, 0.0.into()) {
            return json!({ "type": "number", "exclusiveMinimum": 0 });
        }
        json!({ "type": "number", "minimum": 0 })
    }

    /// Adds the comment above a setting, and its default or an example.
    fn explain(&self, path: &[&str], setting: &mut Value) {
        let Some(entry) = self.listing.entry(path) else {
            return;
        };
        if !entry.about.is_empty() {
            setting["description"] = entry.about.clone().into();
        }
        let value = self.listing.value(path).filter(|it| !it.is_table());
        let value = value.and_then(|it| serde_json::to_value(it).ok());
        match value {
            Some(value) if entry.is_default => setting["default"] = value,
            Some(value) => setting["examples"] = json!([value]),
            None => {}
        }
    }
}

fn object(properties: Map<String, Value>, required: Vec<String>) -> Value {
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
    });
    object["properties"] = properties.into();
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

/// Settings for one thing, what stands in their place for several, and how that is written.
fn several() -> [(&'static str, &'static str, Value); 2] {
    let names = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
    let all = json!({ "type": "string", "enum": ["all"] });
    [
        ("company", "companies", json!({ "oneOf": [names, all] })),
        ("environment", "environments", names),
    ]
}

/// What the table of its defaults is called.
fn kind_of(table: &str, example: &toml::Value) -> String {
    let kind = example.get("kind").and_then(toml::Value::as_str);
    kind.unwrap_or(table.trim_end_matches('s')).to_owned()
}

fn is_secret(table: &Table) -> bool {
    table.len() == 1 && table.keys().all(|key| SECRET_FORMS.contains(&key.as_str()))
}

#[cfg(test)]
mod tests;
