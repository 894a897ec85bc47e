//! The environments of Business Central connections, with what handlers need beside their clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use signalbox_config::{Companies, Polling};
use signalbox_core::{
    CompanyAddress, ConnectionName, JobError, LaneChain, LaneLimits, renewal_lanes, set_lanes,
};
use signalbox_microsoft::{BusinessCentral, Company, Entities, Error};
use signalbox_queue::Lease;
use uuid::Uuid;

use crate::{
    Context, connections::source_lanes, entities::entities, people::People, read::crowd::Crowd,
    way::Way,
};

/// One environment of a Business Central connection.
#[derive(Debug)]
pub struct Source {
    /// The connection's name.
    pub connection: ConnectionName,
    /// The environment's name.
    pub environment: String,
    /// The client.
    pub client: BusinessCentral,
    /// The entity sets that it knows.
    pub entities: Entities,
    /// The companies that are followed, as configured.
    pub companies: Companies,
    /// The root of the lanes of everything read from it.
    pub lanes: LaneChain,
    /// What the environment allows, scaled.
    pub limits: LaneLimits,
    /// Records per page.
    pub page_size: u32,
    /// Looks at whole sets, before `time_scale`.
    pub polling: Polling,
    /// Subscriptions that the environment allows.
    pub max_subscriptions: usize,
    /// What was asked about people.
    pub(crate) people: People,
    /// The reads under way.
    pub(crate) reads: Crowd,
    /// What was listed last. Nothing awaits while it is locked.
    listed: Mutex<Option<Arc<[Company]>>>,
    /// Held by whoever lists the companies because a name was missing, so that many who miss it cost one request.
    listing: tokio::sync::Mutex<()>,
    /// What can be subscribed to in each company, and until when that is believed. Nothing awaits while it is locked.
    supported: Mutex<BTreeMap<Uuid, (Timestamp, Supported)>>,
}

/// What can be subscribed to in a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Supported {
    /// These, in lower case.
    These(BTreeSet<String>),
    /// The environment does not tell.
    Untold,
}

impl Source {
    pub(crate) fn new(
        name: &ConnectionName,
        connection: &signalbox_config::BusinessCentral,
        environment: &str,
        client: BusinessCentral,
        time_scale: f64,
    ) -> Self {
        Self {
            connection: name.clone(),
            environment: environment.to_owned(),
            client,
            entities: entities(connection),
            companies: connection.companies.clone(),
            lanes: source_lanes(connection, environment),
            limits: LaneLimits {
                concurrency: Some(connection.max_in_flight.get()),
                ..connection.limits.clone().scaled(time_scale)
            },
            page_size: connection.page_size.get(),
            polling: connection.polling.clone(),
            max_subscriptions: connection.max_subscriptions.get() as usize,
            people: People::default(),
            reads: Crowd::default(),
            listed: Mutex::default(),
            listing: tokio::sync::Mutex::default(),
            supported: Mutex::default(),
        }
    }

    /// The lanes of what reads one set of one company.
    pub fn lanes_of(&self, company: Uuid, set: &str) -> LaneChain {
        set_lanes(&self.lanes, company, set)
    }

    /// The lanes of what looks after it.
    pub fn renewal_lanes(&self) -> LaneChain {
        renewal_lanes(&self.lanes)
    }

    /// The way to one set of one company on behalf of a job.
    pub(crate) fn way_to<'a>(
        &self,
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
        (company, set): (Uuid, &str),
    ) -> Way<'a> {
        let lanes = self.lanes_of(company, set);
        self.way(context, lease, trace).within(&lanes)
    }

    /// The way of the job that looks after it.
    pub(crate) fn renewal_way<'a>(
        &self,
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
    ) -> Way<'a> {
        self.way(context, lease, trace)
            .within(&self.renewal_lanes())
    }

    fn way<'a>(&self, context: &'a Context, lease: &'a Lease, trace: Option<&'a str>) -> Way<'a> {
        let lanes = vec![(self.lanes.top().clone(), self.limits.clone())];
        Way::new(context, lease, trace, lanes)
    }

    /// The address of one of its companies.
    pub fn address(&self, company: Uuid) -> CompanyAddress {
        CompanyAddress {
            connection: self.connection.clone(),
            environment: self.environment.clone(),
            company,
        }
    }

    /// The name of `company`, for links and cards; empty if the application does not see the company.
    pub(crate) async fn company_name(
        &self,
        company: Uuid,
        way: &Way<'_>,
    ) -> Result<String, JobError> {
        let known = self.listed().clone();
        let companies = match known {
            Some(companies) if companies.iter().any(|one| one.id == company) => companies,
            known => self.newer_than(known, way).await?,
        };
        let named = companies.iter().find(|one| one.id == company);
        Ok(named.map(|one| one.name.clone()).unwrap_or_default())
    }

    /// The companies as listed after `known`, by this call or by one that it waited for.
    async fn newer_than(
        &self,
        known: Option<Arc<[Company]>>,
        way: &Way<'_>,
    ) -> Result<Arc<[Company]>, JobError> {
        let _turn = self.listing.lock().await;
        let listed = self.listed().clone();
        match listed {
            Some(listed) if !known.is_some_and(|known| Arc::ptr_eq(&known, &listed)) => Ok(listed),
            _ => self.list_companies(way).await,
        }
    }

    /// The companies that the application sees now.
    pub(crate) async fn list_companies(&self, way: &Way<'_>) -> Result<Arc<[Company]>, JobError> {
        let listed = match self.client.companies(way.errand()).await {
            Ok(listed) => Arc::from(listed),
            Err(error) => return Err(way.fault(self.explained(error, way).await).await),
        };
        *self.listed() = Some(Arc::clone(&listed));
        Ok(listed)
    }

    /// An environment that is not there is told with those that are, as far as the application may see them.
    async fn explained(&self, error: Error, way: &Way<'_>) -> Error {
        if error.code() != Some("NoEnvironment") {
            return error;
        }
        match self.client.environments(way.errand()).await {
            Ok(Some(known)) => Error::UnknownName {
                kind: "environment",
                name: self.environment.clone(),
                known: known.into_iter().take(10).collect(),
            },
            _ => error,
        }
    }

    /// What can be subscribed to in `company`, if that was asked a short time ago.
    pub(crate) fn supported(&self, company: Uuid, now: Timestamp) -> Option<Supported> {
        let known = self.supported_by_company();
        let (until, supported) = known.get(&company)?;
        (*until > now).then(|| supported.clone())
    }

    /// Keeps for a while what was told.
    pub(crate) fn learn_supported(&self, company: Uuid, supported: Supported, until: Timestamp) {
        let mut known = self.supported_by_company();
        known.insert(company, (until, supported));
    }

    fn supported_by_company(&self) -> MutexGuard<'_, BTreeMap<Uuid, (Timestamp, Supported)>> {
        let known = self.supported.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self) -> MutexGuard<'_, Option<Arc<[Company]>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The environments of all connections, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub(crate) fn add(&mut self, source: Source) {
        self.0.push(source);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The environments of one connection.
    pub fn of<'a>(&'a self, connection: &'a ConnectionName) -> impl Iterator<Item = &'a Source> {
        self.iter()
            .filter(move |source| source.connection == *connection)
    }

    /// The environment called `environment` of a connection; its first one if none is named.
    pub fn get(&self, connection: &ConnectionName, environment: Option<&str>) -> Option<&Source> {
        let mut all = self
            .iter()
            .filter(|source| source.connection == *connection);
        match environment {
            Some(name) => all.find(|source| source.environment == name),
            None => all.next(),
        }
    }
}
