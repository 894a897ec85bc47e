//! The part of OData that Business Central's readers use.
//!
//! `$filter` knows comparisons and text functions joined by `and` and `or`; as in the
//! service, `or` across different fields is an error, and an unknown field or a literal
//! that does not fit its field is a 400, never ignored.

use uuid::Uuid;

use super::cells::{Cell, Kind};
use super::records::Record;
use super::tables::Table;

mod parser;
mod shape;

pub(super) use shape::Shape;

/// Why a query cannot be answered; the text becomes the error message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// A field named in the query does not exist on the type.
    #[error("Could not find a property named '{0}' on type 'Microsoft.NAV.{1}'.")]
    UnknownField(String, String),
    /// A literal is no value of the field.
    #[error("The value '{1}' is not valid for the property '{0}'.")]
    BadLiteral(String, String),
    /// The text cannot be parsed.
    #[error("Syntax error in '{0}'.")]
    Syntax(String),
    /// `or` joins comparisons of different fields.
    #[error("The 'OR' operator is not supported on distinct fields on an OData filter.")]
    DistinctOr,
    /// The paging token no longer fits the listing.
    #[error("The skip token is no longer valid.")]
    StaleSkipToken,
}

/// A parsed `$filter`; fields go by their place in the table.
#[derive(Debug, PartialEq)]
pub(crate) enum Filter {
    /// All parts hold.
    All(Vec<Filter>),
    /// One part holds.
    Any(Vec<Filter>),
    /// A field compares to a literal.
    Compare(usize, Operator, Cell),
    /// A text field passes a text function.
    Text(usize, Function, String),
}

/// A text function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
    /// `contains`
    Contains,
}

impl Function {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            _ => return None,
        })
    }

    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
        }
    }
}

impl Filter {
    /// Parses `text` against the fields of a table.
    pub(crate) fn parse(text: &str, table: &Table) -> Result<Self, QueryError> {
        parser::parse(text, table)
    }

    /// Whether `record` passes.
    pub(crate) fn accepts(&self, record: &Record, table: &Table) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.accepts(record, table)),
            Self::Any(parts) => parts.iter().any(|part| part.accepts(record, table)),
            Self::Compare(field, operator, literal) => {
                let cell = record.get(&table.fields[*field]);
                operator.holds(cell.order(literal))
            }
            Self::Text(field, function, part) => {
                let cell = record.get(&table.fields[*field]);
                function.holds(&cell.spelled(), part)
            }
        }
    }

    /// The ids that are the only ones to pass, if the filter names some: a read of several
    /// records need not look at all of them.
    pub(crate) fn ids(&self, table: &Table) -> Option<Vec<Uuid>> {
        self.keys(table, "id")
    }

    /// The keys that the field of this name must be one of.
    pub(crate) fn keys(&self, table: &Table, name: &str) -> Option<Vec<Uuid>> {
        match self {
            Self::Compare(field, Operator::Eq, Cell::Key(key))
                if table.fields[*field].name == name =>
            {
                Some(vec![*key])
            }
            Self::Any(parts) => {
                let keys: Option<Vec<_>> =
                    parts.iter().map(|part| part.keys(table, name)).collect();
                Some(keys?.concat())
            }
            Self::All(parts) => parts.iter().find_map(|part| part.keys(table, name)),
            _ => None,
        }
    }

    /// Whether it speaks of the field of this name.
    pub(crate) fn speaks_of(&self, table: &Table, name: &str) -> bool {
        let mut places = Vec::new();
        self.fields(&mut places);
        places.iter().any(|place| table.fields[*place].name == name)
    }

    /// The fields it speaks of.
    fn fields(&self, places: &mut Vec<usize>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.fields(places);
                }
            }
            Self::Compare(field, ..) | Self::Text(field, ..) => places.push(*field),
        }
    }
}

/// A literal of a field. Comparing with the blank member of an enum is refused: whether the
/// service takes it is not known, so no reader may rely on it.
fn literal(kind: &Kind, name: &str, text: &str) -> Result<Cell, QueryError> {
    let cell = kind.spelled(text).filter(|cell| *cell != Cell::Member(" "));
    cell.ok_or_else(|| QueryError::BadLiteral(name.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business_central::tables;

    fn parse(text: &str) -> Result<Filter, QueryError> {
        Filter::parse(text, tables::named("purchaseInvoices").unwrap())
    }

    #[test]
    fn comparisons_are_joined_by_and() {
        let table = tables::named("purchaseInvoices").unwrap();
        let place = |name| table.fields.iter().position(|it| it.name == name).unwrap();
        let filter = parse("status ne 'Draft' and number eq 'O''Hara'").unwrap();
        let expected = Filter::All(vec![
            Filter::Compare(place("status"), Operator::Ne, Cell::Member("Draft")),
            Filter::Compare(
                place("number"),
                Operator::Eq,
                Cell::Text("O'Hara".to_owned()),
            ),
        ]);
        assert_eq!(filter, expected);
    }

    #[test]
    fn or_needs_one_field() {
        assert!(parse("number eq '1' or number eq '2'").is_ok());
        assert!(parse("startswith(number,'1') or contains(number, '2')").is_ok());
        assert_eq!(
            parse("number eq '1' or status eq 'Open'"),
            Err(QueryError::DistinctOr)
        );
    }

    #[test]
    fn what_does_not_exist_or_does_not_fit_is_an_error() {
        assert_eq!(
            parse("lastDateTimeModified gt 2026-01-01T00:00:00Z"),
            Err(QueryError::UnknownField(
                "lastDateTimeModified".into(),
                "purchaseInvoice".into()
            ))
        );
        for text in [
            "status eq 'In Review'",
            "status eq '_x0020_'",
            "lastModifiedDateTime gt 2026-01-01",
            "id eq 7",
        ] {
            assert!(
                matches!(parse(text), Err(QueryError::BadLiteral(..))),
                "{text}"
            );
        }
        assert!(parse("status eq 'In_x0020_Review'").is_ok());
    }
}
