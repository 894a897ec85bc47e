//! Making one change in the simulated companies, whatever the entity set.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;
use signalbox_sim::{Made, RecordChange, SimHandle};
use uuid::Uuid;

use super::{
    kinds::{self, ALIAS, DRAFT, ENTRY, FREE, Kind, Life, RELEASED},
    plan::{Change, Script, Turn},
    values::{Key, Stand, Value},
};

/// The set into which a sale is entered when it is posted.
const LEDGER: &str = "generalLedgerEntries";

/// Whoever makes the changes.
pub(super) struct Hands<'a> {
    sim: &'a SimHandle,
    companies: &'a [Uuid],
}

/// A record as a change has left it.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) key: Key,
    pub(super) id: Uuid,
    pub(super) version: u64,
    pub(super) at: Timestamp,
    /// What it is now.
    turn: Turn,
    /// What was entered into the ledger along with it.
    pub(super) entries: Vec<Done>,
}

impl Done {
    /// The value that the record has by this change.
    pub(super) fn value(&self, stand: Stand) -> Value {
        Value {
            key: self.key.clone(),
            record: self.id,
            version: self.version,
            from: self.at,
            until: None,
            stand,
        }
    }
}

impl<'a> Hands<'a> {
    pub(super) fn new(sim: &'a SimHandle, companies: &'a [Uuid]) -> Self {
        Self { sim, companies }
    }

    /// Makes a record of which nobody is told.
    pub(super) fn seed(&self, place: usize, script: &Script, turn: Turn) -> Result<Done> {
        let change = born(script.kind, place, turn, self.named(script));
        let made = self.sim.seed_records(&change, 1)?;
        let made = made.first().context("nothing was seeded")?;
        Ok(done(script.kind, place, made, turn))
    }

    /// Makes the next change of a record, or the record.
    pub(super) fn make(
        &self,
        place: usize,
        script: &Script,
        record: Option<&Done>,
        change: Change,
    ) -> Result<Done> {
        let silent = |one: RecordChange| if change.silent { one.silent() } else { one };
        let named = silent(self.named(script));
        let Some(record) = record else {
            let made = self
                .sim
                .create_record(&born(script.kind, place, change.turn, named))?;
            return Ok(done(script.kind, place, &made, change.turn));
        };
        let named = named.id(record.id);
        let made = match change.turn {
            Turn::Alias(number) => {
                let name = json!({ script.kind.field: alias(place, number) });
                self.sim.change_record(&named.fields(name))
            }
            Turn::Status(status) => self.give_status(script.kind, record, &named, status),
            Turn::Touch => self.sim.change_record(&named),
            Turn::Delete => self.sim.delete_record(&named),
        }?;
        let turn = match change.turn {
            Turn::Touch | Turn::Delete => record.turn,
            turn => turn,
        };
        let mut done = done(script.kind, place, &made, turn);
        if is_posting(script.kind, record, change.turn) {
            done.entries = self.entered(&made)?;
        }
        Ok(done)
    }

    fn named(&self, script: &Script) -> RecordChange {
        RecordChange::of(script.kind.set).company(self.companies[script.company].to_string())
    }

    fn give_status(
        &self,
        kind: &Kind,
        record: &Done,
        named: &RecordChange,
        status: &str,
    ) -> Result<Made, signalbox_sim::VerbError> {
        match status {
            _ if kind.field != "status" => {
                self.sim
                    .change_record(&with_value(kind, status, named.clone()))
            }
            RELEASED => self.sim.release_sales_invoice(named),
            _ if is_posting(kind, record, Turn::Status("Open")) && status == "Open" => {
                self.sim.post_sales_invoice(named)
            }
            _ => self.sim.set_status(named, status),
        }
    }

    /// What was entered into the ledger for a document that was just posted.
    fn entered(&self, made: &Made) -> Result<Vec<Done>> {
        let company = made.company.to_string();
        let kind = kinds::of(LEDGER).context("the ledger is one of the sets")?;
        let entries = self.sim.records(Some(&company), LEDGER).into_iter();
        let entries = entries.filter(|entry| entry["documentNumber"] == made.number);
        let done = entries.map(|entry| {
            let id = entry["id"].as_str().and_then(|id| id.parse().ok());
            Ok(Done {
                key: Key {
                    company: made.company,
                    set: kind.set,
                    document: entry["entryNumber"].to_string(),
                    once: entry[kind.field].as_str().unwrap_or_default().to_owned(),
                },
                id: id.context("an entry has no id")?,
                version: 0,
                at: made.modified,
                turn: Turn::Alias(0),
                entries: Vec::new(),
            })
        });
        done.collect()
    }
}

/// Only a sales invoice enters its posting into the ledger, and only the simulator's own.
fn is_posting(kind: &Kind, record: &Done, turn: Turn) -> bool {
    let unposted = [Turn::Status(DRAFT), Turn::Status(RELEASED)];
    kind.set == "salesInvoices" && turn == Turn::Status("Open") && unposted.contains(&record.turn)
}

/// The change that makes a record.
fn born(kind: &Kind, place: usize, turn: Turn, named: RecordChange) -> RecordChange {
    match (turn, &kind.life) {
        (Turn::Status("Open"), Life::Document { posted, .. }) if !posted.is_empty() => {
            named.posted()
        }
        (Turn::Status(value), _) => with_value(kind, value, named),
        (_, Life::Entry) => named.fields(json!({ kind.field: format!("{ENTRY}{place}") })),
        _ => named.fields(json!({ kind.field: alias(place, 0) })),
    }
}

/// Says that the field of the set has this value; free is what an enum says with its blank member.
fn with_value(kind: &Kind, value: &str, change: RecordChange) -> RecordChange {
    let value = if value == FREE { "_x0020_" } else { value };
    change.fields(json!({ kind.field: value }))
}

fn alias(place: usize, number: u32) -> String {
    format!("{ALIAS}{place} turn {number}")
}

fn done(kind: &'static Kind, place: usize, made: &Made, turn: Turn) -> Done {
    let once = match (turn, &kind.life) {
        (Turn::Status(status), _) => status.to_owned(),
        (_, Life::Entry) => format!("{ENTRY}{place}"),
        (Turn::Alias(number), _) => alias(place, number),
        (Turn::Touch | Turn::Delete, _) => String::new(),
    };
    Done {
        key: Key {
            company: made.company,
            set: kind.set,
            document: made.number.clone(),
            once,
        },
        id: made.id,
        version: made.version,
        at: made.modified,
        turn,
        entries: Vec::new(),
    }
}
