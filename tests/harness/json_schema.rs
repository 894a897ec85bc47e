//! A JSON value held against a JSON Schema, as far as ours goes: a word that is not known here is a failure.

use serde_json::{Map, Value};

/// What `schema` has against `value`, each with the place where it is.
pub fn objections(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(schema, value, "", &mut found);
    found
}

fn look(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().into_iter().flatten() {
        let holds = match word.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" => true,
            "type" => is_a(rule, value),
            "enum" => rule.as_array().expect("`enum` is a list").contains(value),
            "const" => rule == value,
            "minimum" => value
                .as_f64()
                .is_none_or(|it| it >= rule.as_f64().expect("the bound is a number")),
            "exclusiveMinimum" => value
                .as_f64()
                .is_none_or(|it| it > rule.as_f64().expect("the bound is a number")),
            "minItems" => {
                length(value).is_none_or(|it| it >= rule.as_u64().expect("the bound is a count"))
            }
            "required" => names(rule).all(|name| value.get(name).is_some()),
            "oneOf" => fitting(rule, value) == 1,
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    look(rule, item, &format!("{at}.{index}"), found);
                }
                true
            }
            "properties" => {
                for (key, item) in fields(value) {
                    if let Some(rule) = rule.get(key) {
                        look(rule, item, &format!("{at}.{key}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                let more =
                    fields(value).filter(|(key, _)| known.is_none_or(|it| it.get(key).is_none()));
                for (key, item) in more {
                    let at = format!("{at}.{key}");
                    if rule == false {
                        found.push(format!("{at}: unknown"));
                    }
                    look(rule, item, &at, found);
                }
                true
            }
            "propertyNames" => {
                // The one pattern that there is, in words.
                assert_eq!(rule["pattern"], "^[a-zA-Z0-9_.-]{1,64}$");
                fields(value).all(|(name, _)| (1..=64).contains(&name.len()) && is_plain(name))
            }
            unknown => panic!("`{unknown}` of the schema is not known here"),
        };
        if !holds {
            found.push(format!("{at}: {word}"));
        }
    }
}

fn fitting(rules: &Value, value: &Value) -> usize {
    let rules = rules.as_array().into_iter().flatten();
    rules
        .filter(|rule| objections(rule, value).is_empty())
        .count()
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type has a name") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        unknown => panic!("`{unknown}` is no type that is known here"),
    }
}

fn length(value: &Value) -> Option<u64> {
    Some(value.as_array()?.len() as u64)
}

fn names(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().map(Map::iter).into_iter().flatten()
}

fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}
