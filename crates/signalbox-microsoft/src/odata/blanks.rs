//! Business Central has no nulls: a missing value comes as a blank of its type, and that is taken for what it means.

use serde_json::Value;

const BLANK_ID: &str = "00000000-0000-0000-0000-000000000000";
const BLANK_DATE: &str = "0001-01-01";
const BLANK_INSTANT: &str = "0001-01-01T00:00:00Z";

/// Whether `value` stands for no value (facts, Business Central §3). Zero and `false` are values.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => {
            text.trim().is_empty() || [BLANK_ID, BLANK_DATE, BLANK_INSTANT].contains(&text.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_blank;

    #[test]
    fn blanks_of_every_type_are_told_from_values() {
        for blank in [
            json!(null),
            json!(""),
            json!(" "),
            json!("0001-01-01"),
            json!("0001-01-01T00:00:00Z"),
            json!("00000000-0000-0000-0000-000000000000"),
        ] {
            assert!(is_blank(&blank), "{blank}");
        }
        for value in [
            json!(0),
            json!(false),
            json!("0"),
            json!("2026-01-01"),
            json!([]),
        ] {
            assert!(!is_blank(&value), "{value}");
        }
    }
}
