//! How values of a record are written in a card.

use std::{collections::BTreeMap, str::FromStr};

use rust_decimal::Decimal;
use serde_json::Value;
use signalbox_core::Record;

/// The Markdown that Adaptive Cards know (facts, Teams §3); a backslash makes each of them plain.
const MARKDOWN: &[char] = &['\\', '*', '_', '[', ']', '(', ')', '~', '`', '#'];

/// The most fields of a record that the card for any record shows, and the most letters of each.
const MOST_LISTED: usize = 20;
const MOST_LETTERS: usize = 200;

/// Fields that such a card shows elsewhere, or that tell a person nothing.
const UNLISTED: &[&str] = &["company", "entity", "id", "link"];

/// The fields as text; numbers with their literal digits.
pub(crate) fn texts(record: &Record) -> BTreeMap<String, String> {
    record
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The fields that the card for any record shows, with their names: as many as there is room for.
pub(crate) fn listed(fields: &BTreeMap<String, String>) -> Vec<[String; 2]> {
    let shown = fields
        .iter()
        .filter(|(name, _)| !UNLISTED.contains(&name.as_str()));
    let shown = shown.take(MOST_LISTED);
    shown
        .map(|(name, value)| [name.clone(), value.chars().take(MOST_LETTERS).collect()])
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value of a template as text; a field that is blank is not there at all.
fn shown(value: &minijinja::Value) -> String {
    if value.is_undefined() {
        return String::new();
    }
    value.to_string()
}

/// The filter `plain`; see [`plain`].
pub(crate) fn plain_filter(value: &minijinja::Value) -> String {
    plain(&shown(value))
}

/// The filter `amount`; see [`amount`].
pub(crate) fn amount_filter(
    number: &minijinja::Value,
    currency: Option<minijinja::Value>,
) -> String {
    let currency = currency.unwrap_or_default();
    amount(&shown(number), &shown(&currency))
}

/// Text that is shown as it is: no Markdown, no mention, one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // A tag could be read as a mention.
            '<' => plain.push('‹'),
            '>' => plain.push('›'),
            letter if letter.is_control() => plain.push(' '),
            letter => {
                if MARKDOWN.contains(&letter) {
                    plain.push('\\');
                }
                plain.push(letter);
            }
        }
    }
    plain
}

/// An amount with thousands apart, at least two decimals and its currency: `1,488.10 EUR`.
fn amount(number: &str, currency: &str) -> String {
    let Ok(amount) = Decimal::from_str(number) else {
        return format!("{number} {currency}").trim().to_owned();
    };
    let scale = amount.normalize().scale().max(2);
    let digits = format!("{:.*}", scale as usize, amount.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, "00"));
    let sign = if amount.is_sign_negative() && !amount.is_zero() {
        "-"
    } else {
        ""
    };
    format!("{sign}{}.{fraction} {currency}", thousands(whole))
        .trim()
        .to_owned()
}

fn thousands(whole: &str) -> String {
    let mut text = String::with_capacity(whole.len() * 4 / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{amount, plain};

    #[test]
    fn amounts_keep_every_digit_and_are_easy_to_read() {
        for (number, expected) in [
            ("1488.1", "1,488.10 EUR"),
            ("-1234567.891", "-1,234,567.891 EUR"),
            ("0", "0.00 EUR"),
            ("999", "999.00 EUR"),
            ("0.1000", "0.10 EUR"),
            ("90071992547409.93", "90,071,992,547,409.93 EUR"),
            ("n/a", "n/a EUR"),
        ] {
            assert_eq!(amount(number, "EUR"), expected, "{number}");
        }
        assert_eq!(amount("1", ""), "1.00");
    }

    #[test]
    fn what_somebody_typed_cannot_become_a_link_or_a_mention() {
        let typed = "[pay here](http://evil) <at>Boss</at>\r\n*now*";
        let expected = "\\[pay here\\]\\(http://evil\\) ‹at›Boss‹/at›  \\*now\\*";
        assert_eq!(plain(typed), expected);
    }
}
