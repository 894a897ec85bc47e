//! What a listing asks for: filter, order, cursor and page.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::super::cells::Cell;
use super::super::odata::{Filter, QueryError, Shape};
use super::super::records::Record;
use super::super::show::View;
use super::super::tables::{Field, Table};
use super::super::{Inquiry, unquoted};
use super::inside;
use crate::errors::Refusal;

/// What a listing asks for.
#[derive(Debug)]
pub(super) struct Plan {
    table: &'static Table,
    pub(super) shape: Shape,
    filter: Option<Filter>,
    /// Fields, and whether each descends; none for the order of the key.
    order: Vec<(&'static Field, bool)>,
    /// The key of the last record of the page before.
    after: Option<Cell>,
    page: usize,
    skip: usize,
    top: Option<usize>,
}

impl Plan {
    pub(super) fn of(inquiry: &Inquiry, table: &'static Table) -> Result<Self, QueryError> {
        let filter = inquiry.option("$filter");
        let filter = filter.map(|text| Filter::parse(&text, table)).transpose()?;
        let order = inquiry.option("$orderby").unwrap_or_default();
        let order = order.split(',').filter(|part| !part.trim().is_empty());
        let after = inquiry.option("$skiptoken").map(|token| {
            let cell = table.url_key().kind.spelled(&unquoted(&token));
            cell.ok_or(QueryError::StaleSkipToken)
        });
        let number = |name| inquiry.option(name).and_then(|text| text.parse().ok());
        let max = inquiry.shared.config.max_page;
        Ok(Self {
            table,
            shape: super::shape(inquiry, table)?,
            filter,
            order: order
                .map(|part| ordered(table, part.trim()))
                .collect::<Result<_, _>>()?,
            after: after.transpose()?,
            page: preferred(inquiry).unwrap_or(max).clamp(1, max),
            skip: number("$skip").unwrap_or(0),
            top: number("$top"),
        })
    }

    /// Refuses a skip token when tokens were said to go stale.
    pub(super) fn may_go_on(&self, inquiry: &Inquiry) -> Result<(), QueryError> {
        let mut world = inquiry.shared.world();
        let stale = &mut world.erp.stale_skip_tokens;
        if self.after.is_none() || *stale == 0 {
            return Ok(());
        }
        *stale -= 1;
        Err(QueryError::StaleSkipToken)
    }

    /// The records among which to look, ordered by id, after the cursor where that is cheap.
    pub(super) fn rows(&self, view: View<'_>) -> Result<Vec<Arc<Record>>, Refusal> {
        let table = self.table;
        if table.is_inside() {
            return inside::led_to(view, table, self.filter.as_ref());
        }
        let rows = view.company.rows(table);
        if let Some(mut ids) = self.filter.as_ref().and_then(|filter| filter.ids(table)) {
            ids.sort_unstable();
            ids.dedup();
            let found = ids.into_iter().filter_map(|id| rows.row(id, view.lag));
            return Ok(found.collect());
        }
        let after = self.plain_cursor();
        Ok(rows.visible(view.lag, after))
    }

    /// The cursor, where rows come in the order of their ids.
    fn plain_cursor(&self) -> Option<Uuid> {
        match self.after {
            Some(Cell::Key(id)) if self.order.is_empty() => Some(id),
            _ => None,
        }
    }

    /// Keeps what passes, in the order asked for, after the cursor.
    pub(super) fn arrange(
        &self,
        mut rows: Vec<Arc<Record>>,
    ) -> Result<Vec<Arc<Record>>, QueryError> {
        if let Some(filter) = &self.filter {
            rows.retain(|row| filter.accepts(row, self.table));
        }
        let key = self.table.url_key();
        // What is kept inside a record stays in its order.
        if !self.order.is_empty() {
            rows.sort_by(|one, other| self.compare(one, other));
        } else if !self.table.is_inside() {
            rows.sort_by(|one, other| one.get(key).order(&other.get(key)));
        }
        let Some(after) = &self.after else {
            rows.drain(..self.skip.min(rows.len()));
            return Ok(rows);
        };
        if self.order.is_empty() && !self.table.is_inside() {
            rows.retain(|row| row.get(key).order(after) == Ordering::Greater);
            return Ok(rows);
        }
        // With an order of its own, the cursor is found after sorting.
        let cursor = rows.iter().position(|row| *row.get(key) == *after);
        cursor
            .map(|cursor| rows.split_off(cursor + 1))
            .ok_or(QueryError::StaleSkipToken)
    }

    fn compare(&self, one: &Record, other: &Record) -> Ordering {
        let by = |(field, descending): &(&'static Field, bool)| {
            let order = one.get(field).order(&other.get(field));
            if *descending { order.reverse() } else { order }
        };
        let mut orders = self.order.iter().map(by);
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Cuts the rows to a page; says where the next one is. `$top` suppresses the link:
    /// what it cuts off cannot be paged to.
    pub(super) fn cut(&self, inquiry: &Inquiry, rows: &mut Vec<Arc<Record>>) -> Option<String> {
        let more = self.top.is_none() && rows.len() > self.page;
        rows.truncate(self.top.unwrap_or(self.page).min(self.page));
        let last = rows.last().filter(|_| more)?;
        let token = match &*last.get(self.table.url_key()) {
            Cell::Key(id) => id.to_string(),
            other => format!("'{}'", other.spelled().replace('\'', "''")),
        };
        Some(next_link(inquiry, &token))
    }
}

/// `name`, `name asc` or `name desc`.
fn ordered(table: &'static Table, text: &str) -> Result<(&'static Field, bool), QueryError> {
    let (name, direction) = text.split_once(' ').unwrap_or((text, "asc"));
    let unknown = || QueryError::UnknownField(name.into(), table.type_name.clone());
    let field = table.field(name).ok_or_else(unknown)?;
    Ok((field, direction.trim() == "desc"))
}

/// The page size asked for by `Prefer`.
fn preferred(inquiry: &Inquiry) -> Option<usize> {
    inquiry.headers.get_all("prefer").iter().find_map(|prefer| {
        let page = prefer.to_str().ok()?.split("odata.maxpagesize=").nth(1)?;
        page.split([',', ';']).next()?.trim().parse::<usize>().ok()
    })
}

/// The absolute link to the next page; it repeats the query's own options.
fn next_link(inquiry: &Inquiry, token: &str) -> String {
    let encode = |value: &str| {
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        value.replace('+', "%20")
    };
    let pairs =
        url::form_urlencoded::parse(inquiry.query.as_deref().unwrap_or_default().as_bytes());
    let kept: BTreeMap<String, String> = pairs
        .into_owned()
        .filter(|(name, _)| !["aid", "$skiptoken", "$skip"].contains(&name.as_str()))
        .collect();
    let option = |(name, value): (String, String)| format!("{name}={}&", encode(&value));
    let query: String = kept.into_iter().map(option).collect();
    let (address, path) = (inquiry.address(), &inquiry.path);
    format!(
        "{address}/{path}?{query}aid=FIN&$skiptoken={}",
        encode(token)
    )
}
