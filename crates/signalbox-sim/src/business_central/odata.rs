//! The part of OData that Business Central's readers use.
//!
//! `$filter` knows comparisons joined by `and` and `or`; as in the service, `or` across
//! different fields is an error, and an unknown field is a 400, never ignored.

use uuid::Uuid;

use super::fields::{Cell, Fields};

/// Why a query cannot be answered; the text becomes the error message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// A field named in the query does not exist.
    #[error("Could not find a property named '{0}' on type 'Microsoft.NAV.purchaseInvoice'.")]
    UnknownField(String),
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

/// A parsed `$filter`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All parts hold.
    All(Vec<Filter>),
    /// One part holds.
    Any(Vec<Filter>),
    /// A field compares to a literal.
    Compare(String, Operator, String),
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
    /// Parses `text` against the fields of an entity.
    pub(crate) fn parse<R>(text: &str, fields: Fields<R>) -> Result<Self, QueryError> {
        let tokens = tokens(text)?;
        let known = |name: &str| fields.iter().any(|(field, _)| *field == name);
        let mut parser = Parser {
            tokens: &tokens,
            known: &known,
        };
        let filter = parser.any()?;
        match parser.tokens.first() {
            None => Ok(filter),
            Some(rest) => Err(QueryError::Syntax(rest.clone())),
        }
    }

    /// Whether `record` passes. A literal of the wrong type never compares equal.
    pub(crate) fn accepts<R>(&self, record: &R, fields: Fields<R>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.accepts(record, fields)),
            Self::Any(parts) => parts.iter().any(|part| part.accepts(record, fields)),
            Self::Compare(name, operator, literal) => fields
                .iter()
                .find(|(field, _)| field == name)
                .and_then(|(_, cell)| compare(&cell(record), literal))
                .is_some_and(|order| operator.holds(order)),
        }
    }

    fn fields<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.fields(names);
                }
            }
            Self::Compare(name, _, _) => names.push(name),
        }
    }
}

/// Orders a value against a literal of its own type.
pub(crate) fn compare(cell: &Cell<'_>, literal: &str) -> Option<std::cmp::Ordering> {
    match cell {
        Cell::Moment(instant) => Some(instant.cmp(&literal.parse().ok()?)),
        Cell::Key(key) => Some(key.cmp(&literal.parse::<Uuid>().ok()?)),
        Cell::Decimal(hundredths) => {
            let literal: f64 = literal.parse().ok()?;
            #[expect(
                clippy::cast_precision_loss,
                reason = "simulated amounts are far below 2^53"
            )]
            let value = *hundredths as f64 / 100.0;
            value.partial_cmp(&literal)
        }
        Cell::Integer(number) => Some(number.cmp(&literal.parse().ok()?)),
        other => Some(other.spelled().as_str().cmp(literal)),
    }
}

struct Parser<'a> {
    tokens: &'a [String],
    known: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<String, QueryError> {
        let (first, rest) = self
            .tokens
            .split_first()
            .ok_or_else(|| QueryError::Syntax("end of filter".into()))?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| token == word);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn any(&mut self) -> Result<Filter, QueryError> {
        let mut parts = vec![self.all()?];
        while self.eat("or") {
            parts.push(self.all()?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let filter = Filter::Any(parts);
        let mut names = Vec::new();
        filter.fields(&mut names);
        names.dedup();
        if names.len() == 1 {
            Ok(filter)
        } else {
            Err(QueryError::DistinctOr)
        }
    }

    fn all(&mut self) -> Result<Filter, QueryError> {
        let mut parts = vec![self.term()?];
        while self.eat("and") {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Filter::All(parts)
        })
    }

    fn term(&mut self) -> Result<Filter, QueryError> {
        if self.eat("(") {
            let inner = self.any()?;
            return if self.eat(")") {
                Ok(inner)
            } else {
                Err(QueryError::Syntax("(".into()))
            };
        }
        let name = self.next()?;
        if !(self.known)(&name) {
            return Err(QueryError::UnknownField(name));
        }
        let word = self.next()?;
        let operator = Operator::parse(&word).ok_or(QueryError::Syntax(word))?;
        let literal = self.next()?;
        Ok(Filter::Compare(
            name,
            operator,
            literal.trim_start_matches('\'').to_owned(),
        ))
    }
}

/// Splits a filter into words, parentheses and literals; a string keeps its opening
/// quote, so that the literal `and` is not taken for the word.
fn tokens(text: &str) -> Result<Vec<String>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' | ')' => (first.to_string(), &rest[1..]),
            '\'' => quoted(rest)?,
            _ => {
                let end = rest.find([' ', '(', ')']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// Reads a quoted literal in which `''` stands for one quote.
fn quoted(text: &str) -> Result<(String, &str), QueryError> {
    let mut literal = String::from("'");
    let mut rest = &text[1..];
    loop {
        let end = rest
            .find('\'')
            .ok_or_else(|| QueryError::Syntax(text.to_owned()))?;
        literal.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                literal.push('\'');
                rest = after;
            }
            None => return Ok((literal, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business_central::invoices::INVOICE_FIELDS;

    fn parse(text: &str) -> Result<Filter, QueryError> {
        Filter::parse(text, INVOICE_FIELDS)
    }

    #[test]
    fn comparisons_are_joined_by_and() {
        let filter = parse("status ne 'Draft' and number eq 'O''Hara'").unwrap();
        let expected = Filter::All(vec![
            Filter::Compare("status".into(), Operator::Ne, "Draft".into()),
            Filter::Compare("number".into(), Operator::Eq, "O'Hara".into()),
        ]);
        assert_eq!(filter, expected);
    }

    #[test]
    fn or_needs_one_field() {
        assert!(parse("number eq '1' or number eq '2'").is_ok());
        assert_eq!(
            parse("number eq '1' or status eq 'Open'"),
            Err(QueryError::DistinctOr)
        );
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert_eq!(
            parse("lastDateTimeModified gt 2026-01-01T00:00:00Z"),
            Err(QueryError::UnknownField("lastDateTimeModified".into()))
        );
    }
}
