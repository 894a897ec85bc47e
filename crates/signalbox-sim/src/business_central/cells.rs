//! The values of records: how they look on the wire, in a filter and in a verb.
//!
//! Blank values are never null: a zero GUID, `0001-01-01` or `""`. Decimals are JSON
//! numbers without trailing zeros. Enum values are XML-name encoded.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

/// Decimal places kept, as the service keeps amounts.
const PLACES: usize = 5;
/// One, in the unit in which decimals are kept.
const ONE: i64 = 100_000;

/// What a field holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A key.
    Key,
    /// A whole number.
    Integer,
    /// An amount.
    Decimal,
    /// A truth value.
    Flag,
    /// A calendar date.
    Day,
    /// An instant.
    Moment,
    /// A member of an enum, by caption.
    Member(&'static [String]),
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Text, blank when there is none.
    Text(String),
    /// A member of an enum by its caption; encoded when written.
    Member(&'static str),
    /// An amount in hundred-thousandths.
    Decimal(i64),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Flag(bool),
    /// A key; zero when blank.
    Key(Uuid),
    /// A calendar date; the first of the calendar when blank.
    Day(Date),
    /// An instant in UTC; the first of the calendar when blank.
    Moment(Timestamp),
}

impl Kind {
    /// What a field holds that nobody has filled in.
    pub(crate) fn blank(&self) -> Cell {
        match self {
            Self::Text => Cell::Text(String::new()),
            Self::Key => Cell::Key(Uuid::nil()),
            Self::Integer => Cell::Integer(0),
            Self::Decimal => Cell::Decimal(0),
            Self::Flag => Cell::Flag(false),
            Self::Day => Cell::Day(date(1, 1, 1)),
            Self::Moment => Cell::Moment(the_first_moment()),
            Self::Member(captions) => Cell::Member(captions.first().map_or(" ", String::as_str)),
        }
    }

    /// A value as a filter's literal or the wire spells it.
    pub(crate) fn spelled(&self, text: &str) -> Option<Cell> {
        Some(match self {
            Self::Text => Cell::Text(text.to_owned()),
            Self::Key => Cell::Key(text.parse().ok()?),
            Self::Integer => Cell::Integer(text.parse().ok()?),
            Self::Decimal => Cell::Decimal(parse_decimal(text)?),
            Self::Flag => Cell::Flag(text.parse().ok()?),
            Self::Day => Cell::Day(text.parse().ok()?),
            Self::Moment => Cell::Moment(text.parse().ok()?),
            Self::Member(captions) => {
                let found = captions.iter().find(|caption| encoded(caption) == text)?;
                Cell::Member(found)
            }
        })
    }

    /// A value as a verb gives it: JSON, with enums by caption or as on the wire.
    pub(crate) fn given(&self, value: &Value) -> Option<Cell> {
        match (self, value) {
            (Self::Member(captions), Value::String(text)) => {
                let by_caption = captions.iter().find(|caption| *caption == text);
                by_caption
                    .map(|caption| Cell::Member(caption))
                    .or_else(|| self.spelled(text))
            }
            (Self::Text | Self::Key | Self::Day | Self::Moment, Value::String(text)) => {
                self.spelled(text)
            }
            (Self::Integer | Self::Decimal, Value::Number(number)) => {
                self.spelled(&number.to_string())
            }
            (Self::Flag, Value::Bool(flag)) => Some(Cell::Flag(*flag)),
            _ => None,
        }
    }
}

fn the_first_moment() -> Timestamp {
    "0001-01-01T00:00:00Z"
        .parse()
        .expect("the first moment of the calendar is an instant")
}

impl Cell {
    /// An amount of so many hundredths.
    pub(crate) fn hundredths(amount: i64) -> Self {
        Self::Decimal(amount.saturating_mul(ONE / 100))
    }

    /// The value as the wire and a filter literal spell it.
    pub(crate) fn spelled(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Member(caption) => encoded(caption),
            Self::Decimal(amount) => decimal(*amount),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Key(key) => key.to_string(),
            Self::Day(day) => day.to_string(),
            Self::Moment(instant) => instant.to_string(),
        }
    }

    /// The key, if it is one.
    pub(crate) fn key(&self) -> Option<Uuid> {
        match self {
            Self::Key(key) => Some(*key),
            _ => None,
        }
    }

    /// Orders two values of one field.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Decimal(one), Self::Decimal(two)) | (Self::Integer(one), Self::Integer(two)) => {
                one.cmp(two)
            }
            (Self::Key(one), Self::Key(two)) => one.cmp(two),
            (Self::Day(one), Self::Day(two)) => one.cmp(two),
            (Self::Moment(one), Self::Moment(two)) => one.cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            _ => self.spelled().cmp(&other.spelled()),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Decimal(amount) => decimal(*amount)
                .parse::<serde_json::Number>()
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            other => serializer.serialize_str(&other.spelled()),
        }
    }
}

/// `148810000` as `1488.1`: the shortest decimal, as the service writes it.
fn decimal(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, part) = (
        amount.unsigned_abs() / ONE.unsigned_abs(),
        amount.unsigned_abs() % ONE.unsigned_abs(),
    );
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:05}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// A decimal exactly as it is written; none if it has more places than the service keeps.
fn parse_decimal(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if part.len() > PLACES || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part: i64 = format!("{part:0<PLACES$}").parse().ok()?;
    let whole = whole.parse::<u32>().ok()?;
    Some(sign * (i64::from(whole) * ONE + part))
}

/// A caption as an XML name: everything but letters, digits and `_` becomes `_xHHHH_`.
pub(crate) fn encoded(caption: &str) -> String {
    let letter = |unit: u16| match char::from_u32(u32::from(unit)) {
        Some(letter) if letter.is_alphanumeric() || letter == '_' => letter.to_string(),
        _ => format!("_x{unit:04X}_"),
    };
    caption.encode_utf16().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_no_trailing_zeros_and_no_rounding() {
        for text in ["1488.1", "1250", "0.05", "-2.05", "3122.80001"] {
            let amount = parse_decimal(text).unwrap();
            assert_eq!(decimal(amount), text);
            assert_eq!(serde_json::to_string(&Cell::Decimal(amount)).unwrap(), text);
        }
        assert_eq!(parse_decimal("0.000001"), None);
    }

    #[test]
    fn enum_members_are_xml_names() {
        assert_eq!(encoded(" "), "_x0020_");
        assert_eq!(encoded("G/L Account"), "G_x002F_L_x0020_Account");
    }

    #[test]
    fn blank_dates_are_the_first_of_the_calendar() {
        assert_eq!(Kind::Day.blank().spelled(), "0001-01-01");
        assert_eq!(Kind::Moment.blank().spelled(), "0001-01-01T00:00:00Z");
    }
}
