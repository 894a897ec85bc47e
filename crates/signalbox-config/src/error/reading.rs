//! From what serde says about a value to what a person can do about a key.

use std::borrow::Cow;

use figment::{
    error::{Error, Kind},
    value::Value,
};

use super::Problem;
use crate::{
    layers::{Layers, Path},
    redact,
};

/// A problem with the key at `path`, whose value and origin are looked up.
pub(crate) fn problem(layers: &Layers, path: Path<'_>, reason: &str, fix: &str) -> Problem {
    let inherited = layers.inherited(path);
    let path = inherited.as_deref().unwrap_or(path);
    let value = layers.value(path);
    let shown = value.map(|value| shown(path, value));
    Problem {
        key: path.join("."),
        value: shown,
        origin: value.map_or_else(String::new, |_| layers.origin(path)),
        reason: reason.to_owned(),
        fix: fix.to_owned(),
    }
}

/// The reasons that the schema of the configuration is made from.
const IS_MISSING: &str = "is missing";
const IS_NO_WORD: &str = "is none of the words it can be";

const ADDRESS: &str = "an address and a port, such as `127.0.0.1:8080`";

impl Problem {
    /// A problem that came up while the table at `path` was read.
    pub(crate) fn from_reading(layers: &Layers, path: Path<'_>, error: &Error) -> Self {
        let mut path: Vec<&str> = path.to_vec();
        path.extend(error.path.iter().map(String::as_str));
        match &error.kind {
            Kind::UnknownField(name, known) => unknown_key(layers, &path, name, known),
            Kind::MissingField(name) => {
                let fix = format!("add `{name} = …` to `[{}]`", path.join("."));
                path.push(name);
                problem(layers, &path, IS_MISSING, &fix)
            }
            Kind::UnknownVariant(text, known) => {
                let fix = did_you_mean(text, known.iter().copied());
                problem(layers, &path, IS_NO_WORD, &fix)
            }
            Kind::InvalidType(_, expected)
            | Kind::InvalidValue(_, expected)
            | Kind::InvalidLength(_, expected) => {
                let fix = format!("write {}", in_words(expected));
                problem(layers, &path, "is of the wrong kind", &fix)
            }
            other => {
                let text = other.to_string();
                if text == "invalid socket address syntax" {
                    let fix = format!("write {ADDRESS}");
                    return problem(layers, &path, "is no address", &fix);
                }
                let (reason, fix) = text.split_once("; ").unwrap_or((&text, "correct it"));
                problem(layers, &path, reason, fix)
            }
        }
    }
}

/// Whether a setting is wrong because it is not there.
pub(crate) fn is_missing(problem: &Problem) -> bool {
    problem.reason == IS_MISSING
}

/// The words that a setting can be, of a problem with one that is far from all of them.
pub(crate) fn words(problem: &Problem) -> Option<Vec<String>> {
    let words = problem.fix.strip_prefix("it can be `")?.strip_suffix('`')?;
    let words = words.split("`, `").map(str::to_owned);
    (problem.reason == IS_NO_WORD).then(|| words.collect())
}

/// A problem with a key that the table at `path` cannot have.
pub(crate) fn unknown_key(
    layers: &Layers,
    path: &[&str],
    name: &str,
    known: &[&'static str],
) -> Problem {
    let mut path = path.to_vec();
    if path.last() != Some(&name) {
        path.push(name);
    }
    let fix = did_you_mean(name, known.iter().copied());
    Problem {
        // The value of a key that nobody knows may be a secret under a misspelt name.
        value: None,
        ..problem(layers, &path, "is not a setting", &fix)
    }
}

/// The nearest of `known`, if one is near enough to be a slip, and else all of them.
pub(crate) fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let folded = text.to_lowercase();
    let nearest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&folded, word), *word))
        .min();
    match nearest {
        Some((distance, word)) if distance * 5 <= word.len() * 2 => {
            format!("did you mean `{word}`?")
        }
        Some(_) => format!("it can be `{}`", known.join("`, `")),
        None => "remove it".to_owned(),
    }
}

fn shown(path: Path<'_>, value: &Value) -> String {
    let key = path.last().copied().unwrap_or_default();
    match redact::redacted(key, value) {
        Value::String(_, text) => text,
        other => toml::Value::try_from(&other).map_or_else(|_| "…".to_owned(), |v| v.to_string()),
    }
}

/// What serde calls Rust types by, in the words of whoever writes the file.
fn in_words(expected: &str) -> Cow<'_, str> {
    let words = match expected {
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list: `[\"…\", \"…\"]`",
        "a string" => "a text in quotes",
        "socket address" => ADDRESS,
        "path string" => "a path in quotes",
        _ if expected.starts_with("a nonzero") => "a whole number above zero",
        _ if expected.starts_with("struct ") => "a table",
        "u16" | "u32" | "u64" | "usize" => "a whole number, zero or above",
        "f32" | "f64" => "a number",
        other => return Cow::Borrowed(other),
    };
    Cow::Borrowed(words)
}
