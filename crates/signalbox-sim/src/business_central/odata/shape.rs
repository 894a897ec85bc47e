//! What a caller wants of each record: `$select` and `$expand`, at any depth.

use super::super::tables::{self, Leads, Navigation, Table};
use super::{Filter, QueryError};

/// The fields wanted of a record, and what is to come with it.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Places of fields; none means all.
    select: Option<Vec<usize>>,
    pub(crate) expand: Vec<Expand>,
}

/// A navigation to follow.
#[derive(Debug)]
pub(crate) struct Expand {
    pub(crate) navigation: &'static Navigation,
    /// The table it leads to.
    pub(crate) table: &'static Table,
    pub(crate) shape: Shape,
    pub(crate) filter: Option<Filter>,
}

impl Navigation {
    /// The table it leads to.
    pub(crate) fn table(&self) -> &'static Table {
        let (Leads::Inside(set) | Leads::To { set, .. } | Leads::From { set, .. }) = &self.leads;
        tables::named(set).expect("the tables are checked when they are read")
    }
}

impl Shape {
    /// Reads the two options against a table.
    pub(crate) fn parse(
        table: &'static Table,
        select: Option<&str>,
        expand: Option<&str>,
    ) -> Result<Self, QueryError> {
        let unknown = |name: &str| QueryError::UnknownField(name.into(), table.type_name.clone());
        let place = |name: &str| {
            let place = table.fields.iter().position(|field| field.name == name);
            place.ok_or_else(|| unknown(name))
        };
        let select = select.map(|list| list.split(',').map(|name| place(name.trim())).collect());
        let one = |text: &str| {
            let (name, inner) = match text.split_once('(') {
                Some((name, inner)) => (name, inner.strip_suffix(')').unwrap_or(inner)),
                None => (text, ""),
            };
            let found = table.navigation(name.trim());
            Expand::parse(found.ok_or_else(|| unknown(name))?, inner)
        };
        let expand = split(expand.unwrap_or_default(), ',');
        Ok(Self {
            select: select.transpose()?,
            expand: expand.into_iter().map(one).collect::<Result<_, _>>()?,
        })
    }

    /// Whether the field at this place is wanted.
    pub(crate) fn has(&self, place: usize) -> bool {
        let select = self.select.as_ref();
        select.is_none_or(|wanted| wanted.contains(&place))
    }
}

impl Expand {
    fn parse(navigation: &'static Navigation, inner: &str) -> Result<Self, QueryError> {
        let table = navigation.table();
        let (mut select, mut expand, mut filter) = (None, None, None);
        for option in split(inner, ';') {
            match option.split_once('=') {
                Some(("$select", list)) => select = Some(list),
                Some(("$expand", list)) => expand = Some(list),
                Some(("$filter", text)) => filter = Some(Filter::parse(text, table)?),
                _ => return Err(QueryError::Syntax(option.to_owned())),
            }
        }
        Ok(Self {
            navigation,
            table,
            shape: Shape::parse(table, select, expand)?,
            filter,
        })
    }
}

/// Splits at separators that stand outside parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if letter == separator && depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expansion_goes_as_deep_as_it_is_written() {
        let table = tables::named("purchaseInvoices").unwrap();
        let expand = "purchaseInvoiceLines($select=sequence,description;$expand=account($select=number)),\
                      vendor($expand=defaultDimensions)";
        let shape = Shape::parse(table, Some("id,number"), Some(expand)).unwrap();
        assert_eq!(shape.expand.len(), 2);
        let lines = &shape.expand[0];
        assert_eq!(lines.shape.expand[0].navigation.name, "account");
        assert_eq!(
            shape.expand[1].shape.expand[0].table.set,
            "defaultDimensions"
        );
    }

    #[test]
    fn an_unknown_navigation_is_an_error() {
        let table = tables::named("vendors").unwrap();
        let wrong = Shape::parse(table, None, Some("purchaseInvoiceLines")).unwrap_err();
        assert!(
            matches!(wrong, QueryError::UnknownField(name, _) if name == "purchaseInvoiceLines")
        );
    }
}
