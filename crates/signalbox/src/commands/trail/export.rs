//! `signalbox trail export`: every step of a time, for audits and spreadsheets.
//!
//! It is written as it is read, so that a long time takes no memory; whoever stops reading ends it.

use std::{
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use signalbox_core::{Clock, Step, SystemClock};
use signalbox_queue::Queue;

use super::{super::output, value};
use crate::cli::{ExportFormat, Moment};

/// The columns of the table.
const COLUMNS: [&str; 12] = [
    "at",
    "word",
    "scope",
    "number",
    "also",
    "route",
    "job",
    "detail",
    "connection",
    "company",
    "set",
    "record",
];

/// Exits with 1 if there is nothing to export.
pub(super) async fn run(
    queue: &Queue,
    since: Moment,
    until: Option<Moment>,
    format: ExportFormat,
) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let (since, until) = (since.at(now), until.map_or(now, |until| until.at(now)));
    let mut walk = queue.walk_trail(since);
    let mut out = BufWriter::new(io::stdout().lock());
    if format == ExportFormat::Csv {
        write!(out, "{}\r\n", COLUMNS.join(","))?;
    }
    let mut any = false;
    while let Some(stories) = walk.next().await? {
        let steps = stories.into_iter().flatten();
        for step in steps.filter(|step| (since..until).contains(&step.at)) {
            any = true;
            match format {
                ExportFormat::Csv => write!(out, "{}\r\n", row(&step))?,
                ExportFormat::Ndjson => writeln!(out, "{}", value(&step))?,
            }
        }
    }
    out.flush()?;
    Ok(output::answer(any))
}

/// One line of the table, as RFC 4180 has it.
fn row(step: &Step) -> String {
    let value = value(step);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cells = COLUMNS.map(|column| match column {
        "scope" | "number" => text(&value["document"][column]),
        "connection" | "company" | "set" | "record" => text(&value["record"][column]),
        "also" => step.also.join(" "),
        _ => text(&value[column]),
    });
    cells.map(|cell| quoted(&cell)).join(",")
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use signalbox_core::{ConnectionName, JobId, RecordAddress, Step, StepWord};
    use uuid::Uuid;

    use super::row;

    #[test]
    fn a_row_quotes_what_would_break_the_table() {
        let record = RecordAddress {
            connection: ConnectionName::new("erp").unwrap(),
            environment: None,
            company: Uuid::nil(),
            set: "purchaseInvoices".to_owned(),
            record: "7".to_owned(),
        };
        let step = Step::new(Timestamp::UNIX_EPOCH, StepWord::Held, JobId::new(["a"]))
            .found_at(record)
            .because("it says \"no\",\nand stops");
        assert_eq!(
            row(&step),
            "1970-01-01T00:00:00Z,held,,,,,a,\"it says \"\"no\"\",\nand stops\",erp,\
             00000000-0000-0000-0000-000000000000,purchaseInvoices,7"
        );
    }
}
