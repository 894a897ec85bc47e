//! What is never shown: secrets that are written out, and passwords in addresses.

use figment::value::{Dict, Tag, Value};
use url::Url;

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";
/// The keys whose text is a secret.
const SECRET_KEYS: [&str; 6] = [
    "client_secret",
    "master_key",
    "password",
    "previous_master_keys",
    "secret",
    "sentinel_password",
];

/// `value` under `key`, fit to be shown. Where a secret comes from stays readable.
pub(crate) fn redacted(key: &str, value: &Value) -> Value {
    match value {
        Value::String(..) | Value::Num(..) if SECRET_KEYS.contains(&key) => Value::from(REDACTED),
        Value::String(_, text) => match Url::parse(text) {
            Ok(url) if url.password().is_some() => Value::from(without_password(url)),
            _ => value.clone(),
        },
        Value::Dict(_, dict) => Value::Dict(Tag::Default, redacted_dict(dict)),
        Value::Array(_, items) => {
            let items = items.iter().map(|item| redacted(key, item)).collect();
            Value::Array(Tag::Default, items)
        }
        _ => value.clone(),
    }
}

/// Every value of `dict`, fit to be shown.
pub(crate) fn redacted_dict(dict: &Dict) -> Dict {
    dict.iter()
        .map(|(key, value)| (key.clone(), redacted(key, value)))
        .collect()
}

/// An address with its password replaced.
pub(crate) fn without_password(mut url: Url) -> String {
    if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
        return REDACTED.to_owned();
    }
    url.to_string()
}
