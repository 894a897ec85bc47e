//! The bookkeeping behind the verdict.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Finding, Findings, Latency, Verdict};
use crate::business_central::InvoiceStatus;
use crate::business_central::tables::PURCHASE_INVOICES;
use crate::card::Words;

#[derive(Debug)]
struct Expectation {
    company: Uuid,
    number: String,
    status: InvoiceStatus,
    since: Timestamp,
    /// Whether an answer that showed the record in this status was sent.
    observed: bool,
    /// Whether the record still has this status.
    current: bool,
    /// Just before the first notification that carried the change was sent.
    notified: Option<Instant>,
}

impl Expectation {
    fn unseen(&self) -> bool {
        !self.observed && !self.current
    }

    fn finding(&self) -> Finding {
        Finding {
            company: Some(self.company),
            number: self.number.clone(),
            status: Some(self.status.as_str().into()),
            at: self.since.to_string(),
            superseded: !self.current,
        }
    }
}

/// Key of an expectation.
type Number = usize;

/// Expectations and the cards that met them.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Statuses whose arrival must be announced.
    statuses: Vec<InvoiceStatus>,
    /// Whether status changes add expectations now.
    on: bool,
    all: Vec<Expectation>,
    /// Not yet delivered; small when all is well, so that waiting on it is cheap.
    open: BTreeSet<Number>,
    by_record: HashMap<(Uuid, InvoiceStatus), Number>,
    by_number: HashMap<String, Vec<Number>>,
    /// Numbers of all purchase invoices there ever were.
    invoices: HashSet<String>,
    /// Whether records of other sets were made or changed, so that cards may be about them.
    others: bool,
    /// Cards about such records.
    other_cards: u64,
    duplicates: Findings,
    unexpected: Findings,
    delivered: u64,
    /// Net and gross, in milliseconds.
    latencies: Vec<(f64, f64)>,
    waited: Duration,
}

/// What a delivered card needs to be judged.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) words: &'a Words,
    pub(crate) arrived: Instant,
    pub(crate) at: Timestamp,
}

impl Oracle {
    /// An oracle that expects a card for every arrival in one of `statuses`.
    pub(crate) fn expecting(statuses: &[String]) -> Self {
        let wanted = |status: &InvoiceStatus| statuses.iter().any(|name| name == status.as_str());
        let statuses = InvoiceStatus::ALL.into_iter().filter(wanted).collect();
        Self {
            statuses,
            on: true,
            ..Self::default()
        }
    }

    /// Turns new expectations on or off.
    pub(crate) fn set_on(&mut self, on: bool) {
        self.on = on;
    }

    /// There is a purchase invoice of this number.
    pub(crate) fn exists(&mut self, number: &str) {
        if !self.invoices.contains(number) {
            self.invoices.insert(number.to_owned());
        }
    }

    /// A generic verb was used on a set. From the first one that is not the invoices' on,
    /// a card whose title names no purchase invoice is about something else and not judged.
    pub(crate) fn generic_verb_on(&mut self, set: &str) {
        self.others |= set != PURCHASE_INVOICES;
    }

    /// The record has left whatever status it had.
    pub(crate) fn left(&mut self, record: Uuid) {
        for status in InvoiceStatus::ALL {
            if let Some(number) = self.by_record.get(&(record, status)) {
                self.all[*number].current = false;
            }
        }
    }

    /// The record has taken `status`. A status that returns adds nothing: it was announced.
    pub(crate) fn took(
        &mut self,
        (company, record): (Uuid, Uuid),
        document: &str,
        status: InvoiceStatus,
        since: Timestamp,
    ) -> Option<Number> {
        self.left(record);
        if let Some(number) = self.by_record.get(&(record, status)) {
            self.all[*number].current = true;
            return Some(*number);
        }
        if !self.on || !self.statuses.contains(&status) {
            return None;
        }
        let number = self.all.len();
        self.all.push(Expectation {
            company,
            number: document.to_owned(),
            status,
            since,
            observed: false,
            current: true,
            notified: None,
        });
        self.open.insert(number);
        self.by_record.insert((record, status), number);
        self.by_number
            .entry(document.to_owned())
            .or_default()
            .push(number);
        Some(number)
    }

    /// A reader was sent the record in this status.
    pub(crate) fn observed(&mut self, record: Uuid, status: InvoiceStatus) {
        if let Some(number) = self.by_record.get(&(record, status)) {
            self.all[*number].observed = true;
        }
    }

    /// A notification that carries these changes is about to be sent.
    pub(crate) fn notified(&mut self, numbers: &[Number], at: Instant) {
        for number in numbers {
            // A reset may have forgotten what a notification on its way was about.
            if let Some(expectation) = self.all.get_mut(*number) {
                expectation.notified.get_or_insert(at);
            }
        }
    }

    /// Judges a card. `waited` tells how much of a span its lane was busy.
    pub(crate) fn card(
        &mut self,
        card: &Delivery<'_>,
        waited: impl Fn(Instant, Instant) -> Duration,
    ) {
        let is_invoice = |word: &String| self.invoices.contains(word);
        if self.others && !card.words.title.iter().any(is_invoice) {
            self.other_cards += 1;
            return;
        }
        let statuses = card.words.statuses();
        let named = card
            .words
            .tokens
            .iter()
            .filter_map(|word| self.by_number.get(word));
        let mut matches: Vec<Number> = named
            .flatten()
            .copied()
            .filter(|number| statuses.contains(&self.all[*number].status))
            .collect();
        matches.sort_unstable();
        if matches.is_empty() {
            let number = card
                .words
                .tokens
                .iter()
                .find(|word| word.chars().any(char::is_numeric));
            let number = number.cloned().unwrap_or_default();
            let status = statuses.first().map(|status| status.as_str().to_owned());
            let at = card.at.to_string();
            self.unexpected.add(|| Finding {
                company: None,
                number,
                status,
                at,
                superseded: false,
            });
            return;
        }
        // Numbers repeat across companies: a card meets one open expectation of each kind.
        let mut met: Vec<Number> = Vec::new();
        for number in matches
            .iter()
            .copied()
            .filter(|number| self.open.contains(number))
        {
            if !met.iter().any(|earlier| self.alike(*earlier, number)) {
                met.push(number);
            }
        }
        if met.is_empty() {
            let finding = self.all[matches[0]].finding();
            self.duplicates.add(|| Finding {
                at: card.at.to_string(),
                ..finding
            });
        }
        for number in met {
            self.deliver(number, card.arrived, &waited);
        }
    }

    fn alike(&self, one: Number, other: Number) -> bool {
        let (one, other) = (&self.all[one], &self.all[other]);
        one.status == other.status && one.number == other.number
    }

    fn deliver(
        &mut self,
        number: Number,
        arrived: Instant,
        waited: impl Fn(Instant, Instant) -> Duration,
    ) {
        self.open.remove(&number);
        self.delivered += 1;
        let Some(notified) = self.all[number].notified else {
            return;
        };
        let gross = arrived.saturating_duration_since(notified);
        let waited = waited(notified, arrived);
        let net = gross.saturating_sub(waited);
        self.waited += waited;
        self.latencies
            .push((net.as_secs_f64() * 1e3, gross.as_secs_f64() * 1e3));
    }

    /// Expectations that can be met and have not been.
    pub(crate) fn outstanding(&self) -> usize {
        self.open
            .iter()
            .filter(|number| !self.all[**number].unseen())
            .count()
    }

    /// The part of the verdict that expectations and cards decide.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict {
            expected: self.all.len() as u64,
            delivered: self.delivered,
            duplicates: self.duplicates.clone(),
            unexpected: self.unexpected.clone(),
            other_cards: self.other_cards,
            waited_ms: self.waited.as_secs_f64() * 1e3,
            latency: Latency::of(self.latencies.iter().map(|pair| pair.0).collect()),
            latency_with_waiting: Latency::of(self.latencies.iter().map(|pair| pair.1).collect()),
            ..Verdict::default()
        };
        for number in &self.open {
            let expectation = &self.all[*number];
            if expectation.unseen() {
                verdict.unseen += 1;
            } else {
                verdict.lost.add(|| expectation.finding());
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
