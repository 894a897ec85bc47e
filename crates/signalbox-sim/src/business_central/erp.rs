//! The environment: companies with their tables, subscriptions and outboxes.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use jiff::Timestamp;
use uuid::Uuid;

use super::batches::Change;
use super::odata::Shape;
use super::records::Rows;
use super::show::View;
use super::tables::{self, Series, Table};
use super::webhooks::Webhooks;
use crate::config::CompanySpec;

/// A company.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// By the index of the table.
    tables: Vec<Rows>,
}

impl Company {
    /// An empty company whose series begin `offset` after their first numbers.
    fn new(spec: &CompanySpec, offset: u64) -> Self {
        let first = |series: &Option<Series>| series.as_ref().map_or(0, |it| it.first + offset);
        let rows = |table: &Table| Rows::from((first(&table.series), first(&table.posted)));
        Self {
            id: spec.id,
            name: spec.name.clone(),
            tables: tables::all().iter().map(rows).collect(),
        }
    }

    /// The rows of a table; a view's are those of its source.
    pub(crate) fn rows(&self, table: &Table) -> &Rows {
        &self.tables[table.rows().index]
    }

    /// The rows of a table, to be changed.
    pub(crate) fn rows_mut(&mut self, table: &Table) -> &mut Rows {
        &mut self.tables[table.rows().index]
    }

    /// The next free number of a series: of posted documents or of everything else.
    pub(crate) fn next_number(&mut self, table: &Table, posted: bool) -> Option<String> {
        let series = if posted { &table.posted } else { &table.series };
        let Series {
            prefix,
            width,
            step,
            ..
        } = series.as_ref()?;
        let rows = self.rows_mut(table);
        loop {
            let next = if posted {
                &mut rows.next.1
            } else {
                &mut rows.next.0
            };
            let number = format!("{prefix}{next:0width$}");
            *next += step;
            if rows.numbered(&number).is_none() {
                return Some(number);
            }
        }
    }
}

/// A webhook subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) url: String,
    /// Relative, without leading slash: `api/v2.0/companies({id})/{set}`.
    pub(crate) resource: String,
    pub(crate) company: Uuid,
    pub(crate) set: String,
    pub(crate) client_state: String,
    pub(crate) expires: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) version: u64,
    /// Changes not yet acknowledged, oldest first.
    pub(crate) pending: Vec<Change>,
    /// Changes by somebody who may not schedule a sending: they wait for the next change of
    /// the set by somebody who may.
    pub(crate) withheld: Vec<Change>,
}

/// One notification URL in one company: what is sent together.
pub(crate) type OutboxKey = (Uuid, String);

/// When an outbox is to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Set by the first change since the last sending.
    pub(crate) fresh_due: Option<Instant>,
    /// Set by a failed sending.
    pub(crate) retry_due: Option<Instant>,
    /// Failed sendings that count.
    pub(crate) attempts: usize,
    pub(crate) sending: bool,
}

impl Outbox {
    /// When it is to be sent next; never while it is being sent.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = self.fresh_due.into_iter().chain(self.retry_due).min();
        due.filter(|_| !self.sending)
    }
}

/// How subscriptions ended, and what was lost with them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deaths {
    pub(crate) by_answer: u64,
    pub(crate) given_up: u64,
    pub(crate) missed_while_expired: u64,
}

impl Deaths {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            by_answer: self.by_answer + other.by_answer,
            given_up: self.given_up + other.given_up,
            missed_while_expired: self.missed_while_expired + other.missed_while_expired,
        }
    }
}

/// The environment.
#[derive(Debug)]
pub(crate) struct Erp {
    pub(crate) companies: Vec<Company>,
    /// Companies made so far, those that are gone included.
    founded: u64,
    apart: u64,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) outboxes: HashMap<OutboxKey, Outbox>,
    pub(crate) deaths: Deaths,
    pub(crate) webhooks: Webhooks,
    /// How many of the next reads by a skip token find it stale.
    pub(crate) stale_skip_tokens: usize,
    version: u64,
}

impl Erp {
    /// The configured companies, empty.
    ///
    /// `apart` is how far the number series of one company begin behind those of the one
    /// before, so that a number names one company unless they are to collide.
    pub(crate) fn new(companies: &[CompanySpec], apart: u64) -> Self {
        let mut erp = Self {
            companies: Vec::new(),
            founded: 0,
            apart,
            subscriptions: BTreeMap::new(),
            outboxes: HashMap::new(),
            deaths: Deaths::default(),
            webhooks: Webhooks::default(),
            stale_skip_tokens: 0,
            version: 0,
        };
        for spec in companies {
            erp.found_company(spec);
        }
        erp
    }

    /// Adds an empty company behind those there are.
    pub(crate) fn found_company(&mut self, spec: &CompanySpec) {
        let company = Company::new(spec, self.founded * self.apart);
        self.founded += 1;
        self.companies.push(company);
    }

    /// The same data under the same ids, without any subscription.
    pub(crate) fn copied(&self) -> Self {
        Self {
            companies: self.companies.clone(),
            founded: self.founded,
            version: self.version,
            ..Self::new(&[], self.apart)
        }
    }

    /// The next row version.
    pub(crate) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The company of this id.
    pub(crate) fn company(&self, id: Uuid) -> Option<&Company> {
        self.companies.iter().find(|company| company.id == id)
    }

    /// The records of a set as the API would show them now.
    pub(crate) fn records(&self, company: Option<&str>, set: &str) -> Vec<serde_json::Value> {
        let company = self.company_index(company).map(|it| &self.companies[it]);
        let (Some(company), Some(table)) = (company, tables::named(set)) else {
            return Vec::new();
        };
        let view = View { company, lag: None };
        let shape = Shape::default();
        let rows = company.rows(table).visible(None, None).into_iter();
        rows.filter_map(|row| {
            let version = row.version;
            serde_json::to_value(view.show(table, row, &shape, version)).ok()
        })
        .collect()
    }

    /// The company of this id or name; the first one if none is named.
    pub(crate) fn company_index(&self, named: Option<&str>) -> Option<usize> {
        let Some(named) = named else {
            return (!self.companies.is_empty()).then_some(0);
        };
        let id = named.parse::<Uuid>().ok();
        self.companies
            .iter()
            .position(|company| Some(company.id) == id || company.name == named)
    }

    /// Gives a change to every live subscription of its company and set.
    ///
    /// `set` is the entity set as subscriptions name it: `vendors`, or with its whole route
    /// for a custom API: `contoso/finance/v1.0/vendorLedgerEntries`. Without a due time the
    /// change is by a delegated admin: it is noted, and sent with the next that has one.
    pub(crate) fn enqueue(
        &mut self,
        company: Uuid,
        set: &str,
        change: &Change,
        due: Option<Instant>,
    ) {
        let concerned = |subscription: &&mut Subscription| {
            subscription.company == company && subscription.set == set
        };
        let (mut taken, mut expired) = (false, false);
        for subscription in self.subscriptions.values_mut().filter(concerned) {
            if subscription.expires <= change.at {
                expired = true;
                continue;
            }
            taken = true;
            if self.webhooks.drops() {
                continue;
            }
            let Some(due) = due else {
                subscription.withheld.push(change.clone());
                continue;
            };
            subscription.pending.append(&mut subscription.withheld);
            subscription.pending.push(change.clone());
            let key = (company, subscription.url.clone());
            self.outboxes
                .entry(key)
                .or_default()
                .fresh_due
                .get_or_insert(due);
        }
        expired |= self.webhooks.expired.contains(&(company, set.to_owned()));
        if expired && !taken {
            self.deaths.missed_while_expired += 1;
        }
    }

    /// The earliest moment at which something is to be sent.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.outboxes.values().filter_map(Outbox::due).min()
    }
}
