//! The wire form of records: a table of fields, so that `$select`, `$filter` and the
//! JSON of a record can never disagree about what exists.
//!
//! Blank values are never null: a zero GUID, `0001-01-01` or `""`. Decimals are JSON
//! numbers without trailing zeros. Enum values are XML-name encoded.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// One value on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    /// Text, blank when there is none.
    Text(&'a str),
    /// A member of an enum by its caption; encoded when written.
    Member(&'a str),
    /// An amount in hundredths.
    Decimal(i64),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Flag(bool),
    /// A key; zero when blank.
    Key(Uuid),
    /// A calendar date; `0001-01-01` when blank.
    Day(Option<Date>),
    /// An instant in UTC.
    Moment(Timestamp),
}

impl Cell<'_> {
    /// The value as the wire and a filter literal spell it.
    pub(crate) fn spelled(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Member(caption) => encoded(caption),
            Self::Decimal(hundredths) => decimal(*hundredths),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Key(key) => key.to_string(),
            Self::Day(day) => day.map_or_else(|| "0001-01-01".into(), |day| day.to_string()),
            Self::Moment(instant) => instant.to_string(),
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Decimal(hundredths) => decimal(*hundredths)
                .parse::<serde_json::Number>()
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            other => serializer.serialize_str(&other.spelled()),
        }
    }
}

/// `148810` as `1488.1`: the shortest decimal, as the service writes it.
pub(crate) fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, part) = (
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100,
    );
    match part {
        0 => format!("{sign}{whole}"),
        part if part % 10 == 0 => format!("{sign}{whole}.{}", part / 10),
        part => format!("{sign}{whole}.{part:02}"),
    }
}

/// A caption as an XML name: everything but letters, digits and `_` becomes `_xHHHH_`.
pub(crate) fn encoded(caption: &str) -> String {
    let letter = |unit: u16| match char::from_u32(u32::from(unit)) {
        Some(letter) if letter.is_alphanumeric() || letter == '_' => letter.to_string(),
        _ => format!("_x{unit:04X}_"),
    };
    caption.encode_utf16().map(letter).collect()
}

/// Reads one field of a record.
pub(crate) type Getter<R> = for<'a> fn(&'a R) -> Cell<'a>;

/// The fields of an entity, in the order of the wire.
pub(crate) type Fields<R> = &'static [(&'static str, Getter<R>)];

/// The fields a caller asked for; empty means all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Select(Vec<String>);

impl Select {
    /// Parses a `$select` list; the error is the first name that does not exist.
    pub(crate) fn parse<R>(list: &str, fields: Fields<R>) -> Result<Self, String> {
        let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
        match names
            .iter()
            .find(|name| !fields.iter().any(|(field, _)| field == name))
        {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(Self(names)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted == name)
    }
}

/// Writes the selected fields of `record` into an open JSON object.
pub(crate) fn write<R, M: SerializeMap>(
    map: &mut M,
    record: &R,
    fields: Fields<R>,
    select: &Select,
) -> Result<(), M::Error> {
    for (name, cell) in fields.iter().filter(|(name, _)| select.has(name)) {
        map.serialize_entry(name, &cell(record))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_no_trailing_zeros() {
        for (hundredths, text) in [
            (148_810, "1488.1"),
            (125_000, "1250"),
            (5, "0.05"),
            (-205, "-2.05"),
        ] {
            assert_eq!(decimal(hundredths), text);
            assert_eq!(
                serde_json::to_string(&Cell::Decimal(hundredths)).unwrap(),
                text
            );
        }
    }

    #[test]
    fn enum_members_are_xml_names() {
        assert_eq!(encoded(" "), "_x0020_");
        assert_eq!(encoded("G/L Account"), "G_x002F_L_x0020_Account");
    }
}
