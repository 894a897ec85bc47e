//! Reads `tables.txt`; the error names the line.

use super::super::cells::{Cell, Kind};
use super::{Field, Kept, Leads, Navigation, STANDARD, Series, Table};

/// The enums by name.
type Enums = Vec<(&'static str, &'static [String])>;

/// Reads a description of tables.
pub(super) fn parse(text: &'static str) -> Result<Vec<Table>, String> {
    let mut enums = Enums::new();
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let read = match line.split_once(' ') {
            None => continue,
            Some(("enum", rest)) => enumeration(rest).map(|members| enums.push(members)),
            Some(("table", rest)) => table(rest, tables.len()).map(|table| tables.push(table)),
            Some(_) => contents(&mut tables, &enums, line.trim()),
        };
        read.ok_or_else(|| line.to_owned())?;
    }
    Ok(tables)
}

fn enumeration(text: &'static str) -> Option<(&'static str, &'static [String])> {
    let (name, captions) = text.split_once('=')?;
    let caption = |caption: &str| match caption.trim() {
        "_" => " ".to_owned(),
        caption => caption.to_owned(),
    };
    let captions: Vec<String> = captions.split('|').map(caption).collect();
    // Read once per process, and named by every cell of it.
    Some((name.trim(), captions.leak()))
}

fn table(text: &str, index: usize) -> Option<Table> {
    let mut words = text.split_whitespace();
    let mut table = Table {
        index,
        set: words.next()?.to_owned(),
        type_name: words.next()?.to_owned(),
        route: STANDARD.to_owned(),
        fields: Vec::new(),
        navigations: Vec::new(),
        key: None,
        series: None,
        posted: None,
        parents: Vec::new(),
        document: None,
        source: None,
        ledger: false,
    };
    for word in words {
        option(&mut table, word)?;
    }
    Some(table)
}

fn option(table: &mut Table, word: &str) -> Option<()> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    match name {
        "route" => value.clone_into(&mut table.route),
        "key" => table.key = Some(value.to_owned()),
        "series" => table.series = Some(series(value)?),
        "posted" => table.posted = Some(series(value)?),
        "parent" => table.parents = value.split(',').map(str::to_owned).collect(),
        "document" => table.document = Some(value.to_owned()),
        "of" => table.source = Some(value.to_owned()),
        "ledger" => table.ledger = true,
        _ => return None,
    }
    Some(())
}

/// `PREFIX:WIDTH:FIRST[:STEP]`.
fn series(text: &str) -> Option<Series> {
    let mut parts = text.split(':');
    Some(Series {
        prefix: parts.next()?.to_owned(),
        width: parts.next()?.parse().ok()?,
        first: parts.next()?.parse().ok()?,
        step: parts.next().map_or(Some(1), |step| step.parse().ok())?,
    })
}

/// A line of fields or of navigations of the last table.
fn contents(tables: &mut [Table], enums: &Enums, line: &str) -> Option<()> {
    let (table, earlier) = tables.split_last_mut()?;
    if let Some(navigations) = line.strip_prefix('>') {
        for word in navigations.split_whitespace() {
            table.navigations.push(navigation(word)?);
        }
        return Some(());
    }
    for word in line.split_whitespace() {
        let source = table.source.as_deref();
        let source = source.and_then(|set| earlier.iter().find(|table| table.set == set));
        let field = match word.split_once('<') {
            Some((name, shown)) => view(name, shown, source?)?,
            None => field(word, table.fields.len(), enums)?,
        };
        table.fields.push(field);
    }
    Some(())
}

fn watched(name: &str) -> (&str, bool) {
    name.strip_suffix('!')
        .map_or((name, false), |name| (name, true))
}

/// `name[!][:kind][=default]`.
fn field(word: &str, slot: usize, enums: &Enums) -> Option<Field> {
    let (word, default) = word
        .split_once('=')
        .map_or((word, None), |(word, default)| (word, Some(default)));
    let (name, kind) = word.split_once(':').unwrap_or((word, "text"));
    let (name, watched) = watched(name);
    let kind = match kind {
        "text" => Kind::Text,
        "key" => Kind::Key,
        "int" => Kind::Integer,
        "dec" => Kind::Decimal,
        "flag" => Kind::Flag,
        "day" => Kind::Day,
        "moment" => Kind::Moment,
        of => Kind::Member(enums.iter().find(|(name, _)| *name == of)?.1),
    };
    let default: Cell = match default {
        Some(text) => kind.spelled(&text.replace('~', " "))?,
        None => kind.blank(),
    };
    let kept = match name {
        "id" => Kept::Id,
        "lastModifiedDateTime" => Kept::Modified,
        _ => Kept::Slot(slot),
    };
    Some(Field {
        name: name.to_owned(),
        kind,
        default,
        kept,
        watched,
    })
}

/// `name[!]<field`: a field of the table whose rows are shown.
fn view(word: &str, shown: &str, source: &Table) -> Option<Field> {
    let (name, watched) = watched(word);
    let shown = source.field(shown)?;
    Some(Field {
        name: name.to_owned(),
        kind: shown.kind.clone(),
        default: shown.default.clone(),
        kept: shown.kept,
        watched,
    })
}

fn navigation(word: &str) -> Option<Navigation> {
    let target = |target: &str| {
        let (set, field) = target.split_once('.')?;
        Some((set.to_owned(), field.to_owned()))
    };
    let (name, leads) = if let Some((name, one)) = word.split_once('@') {
        let (set, field) = target(one)?;
        (name, Leads::To { set, field })
    } else if let Some((name, many)) = word.split_once('*') {
        let (set, field) = target(many)?;
        (name, Leads::From { set, field })
    } else {
        (word, Leads::Inside(word.to_owned()))
    };
    Some(Navigation {
        name: name.to_owned(),
        leads,
    })
}
