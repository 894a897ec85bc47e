//! From merged tables to typed values, collecting every problem on the way instead of stopping at the first.

mod connections;

use std::{collections::BTreeMap, path::Path as Folder, sync::Arc};

use figment::{
    error::Kind,
    value::{Dict, Value},
};
use serde::de::DeserializeOwned;
use signalbox_core::RouteName;

use super::{
    Config,
    general::{General, SECTIONS},
};
use crate::{
    Cloud, Connection, Environment, Http, Problem, Route,
    business_central::BusinessCentralSection,
    check,
    error::{did_you_mean, problem, unknown_key},
    layers::{Layers, Path},
    redact,
    redis::RedisSection,
    secret::source::SecretSource,
    teams::TeamsSection,
    vault::{SecretsSection, Vault},
};

/// Reads everything and checks it against itself.
pub(super) fn read(
    layers: &Layers,
    folder: &Folder,
    env: &Environment,
) -> Result<Config, Vec<Problem>> {
    let mut reading = Reading {
        layers,
        folder,
        env,
        plain_secrets: false,
        problems: Vec::new(),
    };
    let config = reading.config();
    if let Some(config) = &config {
        reading.problems.extend(check::problems(config, layers));
    }
    match config {
        Some(config) if reading.problems.is_empty() => Ok(config),
        _ => Err(each_once(reading.problems)),
    }
}

/// What is wrong in `[defaults]` shows at every connection that takes it from there.
fn each_once(problems: Vec<Problem>) -> Vec<Problem> {
    let mut kept = Vec::new();
    for problem in problems {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    kept
}

/// The secrets of connections that are not where they should be.
pub(super) fn missing_secrets(config: &Config) -> Vec<Problem> {
    let mut credentials: Vec<_> = config
        .connections
        .values()
        .map(Connection::credential)
        .collect();
    credentials.sort_by(|a, b| a.name.cmp(&b.name));
    credentials.dedup_by(|a, b| a.name == b.name);
    credentials
        .into_iter()
        .filter_map(|credential| {
            let error = credential.client_secret.reveal().err()?;
            let text = error.to_string();
            let (reason, fix) = text.split_once("; ").unwrap_or((&text, "set it"));
            let mut reason = format!("has no secret: {reason}");
            let mut cause = std::error::Error::source(&error);
            while let Some(deeper) = cause {
                reason = format!("{reason}: {deeper}");
                cause = deeper.source();
            }
            Some(Problem {
                key: format!("credentials.{}.client_secret", credential.name),
                value: None,
                origin: String::new(),
                reason,
                fix: fix.to_owned(),
            })
        })
        .collect()
}

struct Reading<'a> {
    layers: &'a Layers,
    folder: &'a Folder,
    env: &'a Environment,
    plain_secrets: bool,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn config(&mut self) -> Option<Config> {
        let general = self.general();
        self.plain_secrets = general.as_ref().is_some_and(|g| g.allow_plain_secrets);
        // A wrong `cloud` is told already; the rest is still worth reading.
        let cloud = general.as_ref().map_or(Cloud::Global, |g| g.cloud);
        let http: Option<Http> = self.section(&["http"]);
        let redis: Option<RedisSection> = self.section(&["redis"]);
        if let Some(source) = redis.as_ref().and_then(|redis| redis.password.as_ref()) {
            self.refuse_plain(&["redis", "password"], source);
        }
        let sentinel = redis
            .as_ref()
            .and_then(|redis| redis.sentinel_password.as_ref());
        if let Some(source) = sentinel {
            self.refuse_plain(&["redis", "sentinel_password"], source);
        }
        for key in redis.iter().flat_map(|redis| &redis.payload_keys) {
            self.refuse_plain(&["redis", "payload_keys"], &key.secret);
        }
        let (data, ingress, worker) = (
            self.section(&["data"]),
            self.section(&["ingress"]),
            self.section(&["worker"]),
        );
        let (observe, ledger) = (self.section(&["observe"]), self.section(&["ledger"]));
        let trail = self.section(&["trail"]);
        let vault = self.vault();
        self.defaults();
        let endpoints = cloud.endpoints();
        let credentials = self.credentials(&endpoints, &vault);
        let connections = self.connections(&credentials, &endpoints, http.as_ref());
        let routes = self.routes();
        let general = general?;
        Some(Config {
            cloud,
            flood_limit: general.flood_limit,
            time_scale: general.time_scale,
            redis: redis?.resolve(&vault),
            data: data?,
            ingress: ingress?,
            worker: worker?,
            observe: observe?,
            http: http?,
            ledger: ledger?,
            trail: trail?,
            vault,
            credentials,
            connections,
            routes,
            shown: self.shown(),
        })
    }

    fn general(&mut self) -> Option<General> {
        let mut settings: Dict = self.layers.merged().clone();
        settings.retain(|key, _| !SECTIONS.contains(&key.as_str()));
        match Value::from(settings).deserialize() {
            Ok(general) => Some(general),
            Err(error) => {
                let mut problem = Problem::from_reading(self.layers, &[], &error);
                if let Kind::UnknownField(name, known) = &error.kind {
                    problem.fix = did_you_mean(name, known.iter().copied().chain(SECTIONS));
                }
                self.problems.push(problem);
                None
            }
        }
    }

    /// The table at `path` as a `T`; a problem if it cannot be one.
    fn section<T: DeserializeOwned>(&mut self, path: Path<'_>) -> Option<T> {
        let value = self.layers.value(path)?;
        match value.deserialize() {
            Ok(section) => Some(section),
            Err(error) => {
                self.problems
                    .push(Problem::from_reading(self.layers, path, &error));
                None
            }
        }
    }

    /// Where secrets are looked up. A wrong section is told already; the rest is still worth reading.
    fn vault(&mut self) -> Arc<Vault> {
        let Some(section) = self.section::<SecretsSection>(&["secrets"]) else {
            return Arc::default();
        };
        for (key, source) in section.sources() {
            self.refuse_plain(&["secrets", key], source);
        }
        Arc::new(section.resolve(self.folder, self.env))
    }

    /// A misspelt default would be silent as long as nothing uses it.
    fn defaults(&mut self) {
        for name in self.layers.names("defaults") {
            let path = ["defaults", name.as_str()];
            let fields = match name.as_str() {
                "business-central" => fields_of::<BusinessCentralSection>(),
                "route" => fields_of::<Route>(),
                "teams" => fields_of::<TeamsSection>(),
                _ => {
                    let known = ["business-central", "route", "teams"];
                    let problem = unknown_key(self.layers, &path, &name, &known);
                    self.problems.push(problem);
                    continue;
                }
            };
            let keys = self.layers.value(&path).and_then(Value::as_dict);
            let unknown = keys
                .into_iter()
                .flat_map(Dict::keys)
                .filter(|key| !fields.contains(&key.as_str()))
                .map(|key| unknown_key(self.layers, &path, key, fields));
            self.problems.extend(unknown);
        }
    }

    fn routes(&mut self) -> BTreeMap<RouteName, Route> {
        let mut routes = BTreeMap::new();
        for text in self.layers.names("routes") {
            let path = ["routes", text.as_str()];
            let name = self.name(&path, RouteName::new);
            let route = self.section(&path);
            routes.extend(name.zip(route));
        }
        routes
    }

    fn name<T, E: std::fmt::Display>(
        &mut self,
        path: &[&str; 2],
        new: impl Fn(String) -> Result<T, E>,
    ) -> Option<T> {
        new(path[1].to_owned())
            .map_err(|_| {
                let fix = "use 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`";
                let problem = Problem {
                    value: None,
                    ..problem(self.layers, path, "has a name that cannot be one", fix)
                };
                self.problems.push(problem);
            })
            .ok()
    }

    fn refuse_plain(&mut self, key: Path<'_>, source: &SecretSource) {
        // A secret in a variable is where it belongs, even if the variable is the setting itself.
        if !source.is_plain() || self.plain_secrets || self.layers.is_from_variable(key) {
            return;
        }
        let fix = "put it into an environment variable and write `{ env = \"NAME\" }`, or set `allow_plain_secrets = true` for a trial";
        let problem = problem(self.layers, key, "is a secret written out in the file", fix);
        self.problems.push(problem);
    }

    /// What is in force, without secrets: the merged tables without `[defaults]`, which they contain.
    fn shown(&self) -> Dict {
        let mut effective = self.layers.merged().clone();
        effective.remove("defaults");
        redact::redacted_dict(&effective)
    }
}

/// The keys that a table can have, which its type tells when it is shown a key that it cannot have.
pub(super) fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let probe = Dict::from([(String::new(), Value::from(0))]);
    match Value::from(probe).deserialize::<T>().map_err(|e| e.kind) {
        Err(Kind::UnknownField(_, fields)) => fields,
        _ => &[],
    }
}
