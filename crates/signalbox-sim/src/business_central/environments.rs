//! The tenant's environments: each with tables of its own, one name and one kind.
//!
//! An environment keeps its place for as long as the simulator runs, whatever it is called,
//! so that a view of it survives a renaming. The tables of all but one are parked; the one
//! that is looked at lies open as `World::erp`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::erp::{Deaths, Erp};
use super::webhooks::{WebhookCounts, Webhooks};
use crate::config::{EnvironmentKind, EnvironmentSpec, SimConfig};
use crate::errors::{self, Refusal};
use crate::state::{Shared, World};
use crate::target::Api;

/// Longest name of an environment: fewer than 30 characters. Source: admin center API page, 2026.
const MAX_NAME: usize = 29;

/// Why something could not be done to an environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// No environment has this name.
    #[error("there is no environment `{0}`; `GET /bc/environments/v1.2` lists those there are")]
    NoSuchEnvironment(String),
    /// Another environment has this name already.
    #[error("there is an environment `{0}` already; choose another name")]
    NameTaken(String),
    /// The name is not one that an environment may have.
    #[error(
        "`{0}` cannot be the name of an environment: it needs a letter first, then letters, digits, `_` or `-`, and at most 29 characters"
    )]
    BadName(String),
    /// An environment cannot be copied onto itself.
    #[error("`{0}` cannot be copied onto itself")]
    OntoItself(String),
    /// No company of the environment has this id or name.
    #[error("there is no company `{0}`")]
    NoSuchCompany(String),
    /// Another company of the environment has this name already.
    #[error("there is a company `{0}` already; choose another name")]
    CompanyTaken(String),
}

/// One environment, as far as it is not tables.
#[derive(Debug)]
struct Environment {
    name: String,
    kind: EnvironmentKind,
    /// Its tables while another environment is looked at; empty otherwise.
    parked: Erp,
    /// Until when it is being serviced.
    serviced: Option<Instant>,
}

impl Environment {
    fn new(spec: EnvironmentSpec, config: &SimConfig) -> Self {
        let mut parked = Erp::new(&spec.companies, config.series_apart());
        parked.webhooks = Webhooks::new(config);
        Self {
            name: spec.name,
            kind: spec.kind,
            parked,
            serviced: None,
        }
    }
}

/// All of them, in the order of the configuration.
#[derive(Debug)]
pub(crate) struct Environments {
    all: Vec<Environment>,
    /// Place of the one whose tables lie open.
    seated: usize,
}

impl Environments {
    /// The configured environments, and the open tables of the first.
    pub(crate) fn new(config: &SimConfig) -> (Self, Erp) {
        let environment = |spec| Environment::new(spec, config);
        let mut all: Vec<Environment> = config.tenancy().into_iter().map(environment).collect();
        let first = std::mem::replace(&mut all[0].parked, Erp::new(&[], 0));
        (Self { all, seated: 0 }, first)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|one| one.name == name)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    fn named(&self, name: &str) -> Result<usize, EnvironmentError> {
        self.place(name)
            .ok_or_else(|| EnvironmentError::NoSuchEnvironment(name.to_owned()))
    }

    /// Whether a new environment may have this name.
    fn check_free(&self, name: &str) -> Result<(), EnvironmentError> {
        let mut letters = name.chars();
        let begins = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic());
        let goes_on = letters.all(|one| one.is_ascii_alphanumeric() || one == '_' || one == '-');
        if !begins || !goes_on || name.len() > MAX_NAME {
            return Err(EnvironmentError::BadName(name.to_owned()));
        }
        match self.place(name) {
            Some(_) => Err(EnvironmentError::NameTaken(name.to_owned())),
            None => Ok(()),
        }
    }
}

impl World {
    /// Opens the tables of the environment at `place` and parks those that lay open. A place
    /// that a reset has taken away stands for the first.
    pub(crate) fn seat(&mut self, place: usize) {
        let environments = &mut self.environments;
        let place = if place < environments.all.len() {
            place
        } else {
            0
        };
        if place != environments.seated {
            let before = environments.seated;
            std::mem::swap(&mut self.erp, &mut environments.all[before].parked);
            std::mem::swap(&mut self.erp, &mut environments.all[place].parked);
            environments.seated = place;
        }
    }

    /// Name of the environment that is looked at.
    pub(crate) fn environment(&self) -> &str {
        let environments = &self.environments;
        &environments.all[environments.seated].name
    }

    /// Until when the environment that is looked at is serviced, if it is.
    pub(crate) fn serviced(&self) -> Option<Instant> {
        let environments = &self.environments;
        environments.all[environments.seated]
            .serviced
            .filter(|until| *until > Instant::now())
    }

    /// A record as the oracle knows it. Copies of an environment have the same ids, so that
    /// elsewhere than in the first the place has to tell them apart.
    pub(crate) fn known_as(&self, record: Uuid) -> Uuid {
        known_as(self.environments.seated, record)
    }

    /// The same for a record of the environment of this name.
    pub(crate) fn known_in(&self, environment: &str, record: Uuid) -> Option<Uuid> {
        let place = self.environments.place(environment)?;
        Some(known_as(place, record))
    }

    /// How subscriptions ended, over all environments.
    pub(crate) fn deaths(&self) -> Deaths {
        let parked = self.environments.all.iter().map(|one| one.parked.deaths);
        parked.fold(self.erp.deaths, Deaths::and)
    }

    /// What was done to notifications, over all environments.
    pub(crate) fn webhook_counts(&self) -> WebhookCounts {
        let parked = self
            .environments
            .all
            .iter()
            .map(|one| one.parked.webhooks.counts);
        let counts = parked.fold(self.erp.webhooks.counts, WebhookCounts::and);
        WebhookCounts {
            missed_while_expired: self.deaths().missed_while_expired,
            ..counts
        }
    }

    /// Copies the data of one environment over another, which is made if there is none.
    ///
    /// Ids stay those of the source. All webhook subscriptions of the target go, and none
    /// comes. Source: copy and restore clean-up page, 2026.
    fn copy_environment(
        &mut self,
        (from, to): (&str, &str),
        config: &SimConfig,
    ) -> Result<(), EnvironmentError> {
        let source = self.environments.named(from)?;
        let target = match self.environments.place(to) {
            Some(target) if target == source => {
                return Err(EnvironmentError::OntoItself(to.to_owned()));
            }
            Some(target) => target,
            None => {
                self.environments.check_free(to)?;
                let made = EnvironmentSpec {
                    name: to.to_owned(),
                    kind: EnvironmentKind::Sandbox,
                    companies: Vec::new(),
                };
                self.environments.all.push(Environment::new(made, config));
                self.environments.count() - 1
            }
        };
        self.seat(source);
        let copy = self.erp.copied();
        self.seat(target);
        // What was counted of the target, and what goes wrong in it, stays.
        let before = std::mem::replace(&mut self.erp, copy);
        self.erp.deaths = before.deaths;
        self.erp.webhooks = before.webhooks.without_subscriptions();
        Ok(())
    }

    fn rename_environment(&mut self, from: &str, to: &str) -> Result<(), EnvironmentError> {
        let place = self.environments.named(from)?;
        self.environments.check_free(to)?;
        to.clone_into(&mut self.environments.all[place].name);
        Ok(())
    }
}

fn known_as(place: usize, record: Uuid) -> Uuid {
    match place {
        0 => record,
        place => Uuid::new_v5(&record, &place.to_be_bytes()),
    }
}

/// What an administrator does to environments.
impl Shared {
    /// The same cloud, seen from the environment of this name.
    pub(crate) fn in_environment(&self, name: &str) -> Result<Arc<Self>, EnvironmentError> {
        let place = self.world().environments.named(name)?;
        Ok(self.at(place))
    }

    /// Copies `from` over `to`.
    pub(crate) fn copy_environment(&self, from: &str, to: &str) -> Result<(), EnvironmentError> {
        self.world().copy_environment((from, to), &self.config)?;
        self.announce();
        Ok(())
    }

    /// Renames an environment; every URL of it changes.
    pub(crate) fn rename_environment(&self, from: &str, to: &str) -> Result<(), EnvironmentError> {
        self.world().rename_environment(from, to)?;
        self.announce();
        Ok(())
    }

    /// Takes this environment out of service for so long, counted from now whatever was said
    /// before: requests are refused and nothing is sent.
    pub(crate) fn maintain(&self, span: Duration) {
        let mut world = self.world();
        let seated = world.environments.seated;
        world.environments.all[seated].serviced = Some(Instant::now() + span);
        drop(world);
        // The end of an earlier window may have been what the sender waited for.
        self.outbox.notify_one();
    }
}

/// `GET /bc/environments/v1.2`.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let world = shared.world();
    if !world.entra.admits(&headers, Api::BusinessCentral) {
        return Err(errors::unauthorized(Api::BusinessCentral));
    }
    let tenant = &shared.config.tenant;
    let environment = |one: &Environment| {
        json!({ "aadTenantId": tenant, "applicationFamily": "BusinessCentral",
            "type": one.kind.as_str(), "name": one.name, "countryCode": "US",
            "webServiceUrl": format!("{}/bc", shared.base_url),
            "webClientLoginUrl": format!("https://businesscentral.dynamics.com/{tenant}/{}", one.name),
            "ringName": "PROD" })
    };
    let value: Vec<Value> = world.environments.all.iter().map(environment).collect();
    Ok(Json(json!({ "value": value })).into_response())
}
