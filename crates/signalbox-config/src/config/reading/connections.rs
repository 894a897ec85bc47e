//! Credentials and connections, which refer to each other and take their addresses from the cloud.

use std::{collections::BTreeMap, sync::Arc};

use figment::value::Value;
use signalbox_core::ConnectionName;

use super::Reading;
use crate::{
    Connection, Credential, Endpoints, Entity, Http, Vault,
    business_central::{BusinessCentralSection, Wrong},
    credential::CredentialSection,
    entity::EntitySection,
    error::{did_you_mean, problem},
    teams::TeamsSection,
};

/// The kinds of connections there are.
const KINDS: [&str; 2] = ["business-central", "teams"];

impl Reading<'_> {
    pub(super) fn credentials(
        &mut self,
        endpoints: &Endpoints,
        vault: &Arc<Vault>,
    ) -> BTreeMap<String, Arc<Credential>> {
        let mut credentials = BTreeMap::new();
        for name in self.layers.names("credentials") {
            let path = ["credentials", name.as_str()];
            let Some(section) = self.section::<CredentialSection>(&path) else {
                continue;
            };
            let key = [path[0], path[1], "client_secret"];
            self.refuse_plain(&key, &section.client_secret);
            let credential = section.resolve(&name, endpoints, vault);
            credentials.insert(name, Arc::new(credential));
        }
        credentials
    }

    pub(super) fn connections(
        &mut self,
        credentials: &BTreeMap<String, Arc<Credential>>,
        endpoints: &Endpoints,
        http: Option<&Http>,
    ) -> BTreeMap<ConnectionName, Connection> {
        let timeout = http.map_or_else(Default::default, |http| http.request_timeout);
        let mut connections = BTreeMap::new();
        for text in self.layers.names("connections") {
            let path = ["connections", text.as_str()];
            let Some(name) = self.name(&path, ConnectionName::new) else {
                continue;
            };
            let connection = match self.kind(&path) {
                Some("business-central") => {
                    self.section::<BusinessCentralSection>(&path)
                        .and_then(|mut s| {
                            let credential = self.credential(&path, &s.credential, credentials)?;
                            let entities = self.entities(&path, std::mem::take(&mut s.entities));
                            let connection = s.resolve(credential, entities, endpoints, timeout);
                            let connection = self.told(&path, connection)?;
                            Some(Connection::BusinessCentral(Box::new(connection)))
                        })
                }
                Some("teams") => self.section::<TeamsSection>(&path).and_then(|s| {
                    let credential = self.credential(&path, &s.credential, credentials)?;
                    let teams = s.resolve(credential, endpoints, timeout);
                    self.known_service(&path, teams)
                        .map(|teams| Connection::Teams(Box::new(teams)))
                }),
                _ => None,
            };
            connections.extend(connection.map(|connection| (name, connection)));
        }
        connections
    }

    fn kind(&mut self, path: &[&str; 2]) -> Option<&str> {
        let key = [path[0], path[1], "kind"];
        let kind = self.layers.value(&key).and_then(Value::as_str);
        if let Some(kind) = kind.filter(|kind| KINDS.contains(kind)) {
            return Some(kind);
        }
        let reason = match kind {
            None => "is missing",
            Some("finance-operations" | "power-bi" | "torii" | "webhook") => "is not available yet",
            Some(_) => "is no kind of connection",
        };
        let fix = did_you_mean(kind.unwrap_or_default(), KINDS);
        self.problems.push(problem(self.layers, &key, reason, &fix));
        None
    }

    /// A credential that is named and not there is a problem; one that is there and wrong is told already.
    fn credential(
        &mut self,
        path: &[&str; 2],
        name: &str,
        credentials: &BTreeMap<String, Arc<Credential>>,
    ) -> Option<Arc<Credential>> {
        let names = self.layers.names("credentials");
        if !names.iter().any(|known| known == name) {
            let fix = if names.is_empty() {
                format!("add a table `[credentials.{name}]`")
            } else {
                did_you_mean(name, names.iter().map(String::as_str))
            };
            let key = [path[0], path[1], "credential"];
            let problem = problem(self.layers, &key, "names no credential", &fix);
            self.problems.push(problem);
        }
        credentials.get(name).cloned()
    }

    /// The entity sets of a connection that can be read.
    fn entities(
        &mut self,
        path: &[&str; 2],
        sections: BTreeMap<String, EntitySection>,
    ) -> BTreeMap<String, Entity> {
        let mut entities = BTreeMap::new();
        for (name, section) in sections {
            match section.resolve(&name) {
                Ok(entity) => {
                    entities.insert(name, entity);
                }
                Err((key, reason, fix)) => {
                    let key = [path[0], path[1], "entities", &name, key];
                    self.problems.push(problem(self.layers, &key, reason, fix));
                }
            }
        }
        entities
    }

    /// What was resolved; what is wrong with it becomes a problem.
    fn told<T>(&mut self, path: &[&str; 2], resolved: Result<T, Wrong>) -> Option<T> {
        let (key, reason, fix) = match resolved {
            Ok(resolved) => return Some(resolved),
            Err(wrong) => wrong,
        };
        let key = [path[0], path[1], key];
        self.problems.push(problem(self.layers, &key, reason, fix));
        None
    }

    fn known_service<T>(&mut self, path: &[&str; 2], teams: Option<T>) -> Option<T> {
        if teams.is_none() {
            let key = [path[0], path[1], "service_url"];
            let fix = "add the Bot Connector's address, which incoming messages of your bot carry as `serviceUrl`";
            let reason = "is missing, and this cloud has no documented one";
            self.problems.push(problem(self.layers, &key, reason, fix));
        }
        teams
    }
}
