//! The whole configuration, loaded once and then only borrowed.

mod general;
mod reading;

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use figment::value::Dict;
use signalbox_core::{ConnectionName, RouteName};

use crate::{
    BusinessCentral, Cloud, ConfigError, Connection, Credential, Data, Environment, Http, Ingress,
    Ledger, Observe, Redis, Route, Secret, Teams, Trail, Vault, Worker, layers::Layers,
};

/// The commented defaults: the reference of the configuration.
pub const DEFAULTS: &str = include_str!("../signalbox.default.toml");

/// The file that is read when none is named.
const USUAL_FILE: &str = "signalbox.toml";

/// The effective configuration.
#[derive(Debug)]
pub struct Config {
    /// The Microsoft cloud.
    pub cloud: Cloud,
    /// More documents than this at once are held as a group.
    pub flood_limit: u32,
    /// What delays are multiplied by. Already applied to the worker's back-off and to visibility delays.
    pub time_scale: f64,
    /// Where the jobs are kept.
    pub redis: Redis,
    /// The data folder.
    pub data: Data,
    /// Where webhooks are received.
    pub ingress: Ingress,
    /// What one worker takes on.
    pub worker: Worker,
    /// Logs, metrics and health.
    pub observe: Observe,
    /// How outside systems are reached.
    pub http: Http,
    /// How long it is remembered what was done.
    pub ledger: Ledger,
    /// How much of what happened can be looked up.
    pub trail: Trail,
    /// The sealed secrets.
    pub vault: Arc<Vault>,
    /// The applications, by name.
    pub credentials: BTreeMap<String, Arc<Credential>>,
    /// The connections, by name.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// The routes, by name. Each leads from a Business Central connection to a Teams connection.
    pub routes: BTreeMap<RouteName, Route>,
    /// The tables in force, without secrets.
    shown: Dict,
}

impl Config {
    /// Reads the file at `path`, or `signalbox.toml` in the working directory if there is one.
    pub fn load(path: Option<&Path>, env: &Environment) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(USUAL_FILE));
        let text = match env.read(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => {
                String::new()
            }
            Err(source) => {
                let path = file.to_owned();
                return Err(ConfigError::Unreadable { path, source });
            }
        };
        let layers = Layers::new(file.display().to_string(), &text, env)?;
        Self::from_layers(&layers, file.parent().unwrap_or(file), env)
    }

    /// Reads `text` in place of a file.
    pub fn from_toml(text: &str, env: &Environment) -> Result<Self, ConfigError> {
        let layers = Layers::new(USUAL_FILE.to_owned(), text, env)?;
        Self::from_layers(&layers, Path::new(""), env)
    }

    /// `folder` is where the configuration is.
    fn from_layers(layers: &Layers, folder: &Path, env: &Environment) -> Result<Self, ConfigError> {
        let mut config = reading::read(layers, folder, env).map_err(ConfigError::Invalid)?;
        config.worker.backoff_least = config.worker.backoff_least.mul_f64(config.time_scale);
        config.worker.backoff_most = config.worker.backoff_most.mul_f64(config.time_scale);
        for connection in config.connections.values_mut() {
            if let Connection::Teams(teams) = connection {
                teams.visibility_delay = teams.visibility_delay.mul_f64(config.time_scale);
            }
        }
        Ok(config)
    }

    /// The connection of this name, if it leads to Business Central.
    pub fn business_central(&self, name: &ConnectionName) -> Option<&BusinessCentral> {
        match self.connections.get(name) {
            Some(Connection::BusinessCentral(connection)) => Some(connection),
            _ => None,
        }
    }

    /// The connection of this name, if it leads to Teams.
    pub fn teams(&self, name: &ConnectionName) -> Option<&Teams> {
        match self.connections.get(name) {
            Some(Connection::Teams(connection)) => Some(connection),
            _ => None,
        }
    }

    /// Fails when a secret that a connection needs is not there. For the roles that sign in.
    pub fn require_secrets(&self) -> Result<(), ConfigError> {
        let problems = reading::missing_secrets(self);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(problems))
        }
    }

    /// Every secret that is configured, with its key.
    pub fn secrets(&self) -> Vec<(String, &Secret)> {
        let credentials = self.credentials.iter().map(|(name, credential)| {
            let key = format!("credentials.{name}.client_secret");
            (key, &credential.client_secret)
        });
        let redis = &self.redis;
        let passwords = [
            ("redis.password", redis.password.as_ref()),
            ("redis.sentinel_password", redis.sentinel_password.as_ref()),
        ];
        let passwords = passwords
            .into_iter()
            .filter_map(|(key, secret)| Some((key.to_owned(), secret?)));
        let keys = redis.payload_keys.iter();
        let keys = keys.map(|(id, secret)| (format!("redis.payload_keys `{id}`"), secret));
        credentials.chain(passwords).chain(keys).collect()
    }

    /// The effective configuration as TOML, complete but for its secrets.
    pub fn redacted_toml(&self) -> String {
        toml::to_string_pretty(&self.shown).expect("what was read from TOML can be written as TOML")
    }
}

#[cfg(test)]
mod tests;
