//! The environment's tables: companies with their invoices, subscriptions and outboxes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::batches::Change;
use super::invoices::{Invoice, Row};
use super::webhooks::Webhooks;
use crate::config::CompanySpec;

/// A company.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// Ordered by key, as a plain listing is.
    pub(crate) rows: BTreeMap<Uuid, Row>,
    pub(crate) by_number: HashMap<String, Uuid>,
    /// Next number of drafts, and of posted invoices.
    pub(crate) series: (u64, u64),
}

impl Company {
    /// The company's rows after `key`, as committed or as a replica lags behind.
    pub(crate) fn visible(&self, lag: Option<Duration>, after: Option<Uuid>) -> Vec<Arc<Invoice>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let rows = self.rows.range((from, Unbounded));
        rows.filter_map(|(_, row)| seen(row, lag)).collect()
    }

    /// One row, as committed or as a replica lags behind.
    pub(crate) fn row(&self, id: Uuid, lag: Option<Duration>) -> Option<Arc<Invoice>> {
        seen(self.rows.get(&id)?, lag)
    }
}

/// A row as read: with a lag, a change within it has not arrived yet.
fn seen(row: &Row, lag: Option<Duration>) -> Option<Arc<Invoice>> {
    let stale = lag.is_some_and(|lag| row.changed.elapsed() < lag);
    if stale {
        row.previous.clone()
    } else {
        Some(Arc::clone(&row.current))
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
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) outboxes: HashMap<OutboxKey, Outbox>,
    pub(crate) deaths: Deaths,
    pub(crate) webhooks: Webhooks,
    version: u64,
}

impl Erp {
    /// The configured companies, empty.
    pub(crate) fn new(companies: &[CompanySpec]) -> Self {
        let mut erp = Self {
            companies: Vec::new(),
            founded: 0,
            subscriptions: BTreeMap::new(),
            outboxes: HashMap::new(),
            deaths: Deaths::default(),
            webhooks: Webhooks::default(),
            version: 0,
        };
        for spec in companies {
            erp.found_company(spec);
        }
        erp
    }

    /// Adds an empty company behind those there are.
    pub(crate) fn found_company(&mut self, spec: &CompanySpec) {
        // Series start apart, so that a number names one company unless a test repeats it.
        let apart = self.founded * 1_000_000;
        self.founded += 1;
        self.companies.push(Company {
            id: spec.id,
            name: spec.name.clone(),
            rows: BTreeMap::new(),
            by_number: HashMap::new(),
            series: (1_001 + apart, 108_001 + apart),
        });
    }

    /// The same data under the same ids, without any subscription.
    pub(crate) fn copied(&self) -> Self {
        Self {
            companies: self.companies.clone(),
            founded: self.founded,
            version: self.version,
            ..Self::new(&[])
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
