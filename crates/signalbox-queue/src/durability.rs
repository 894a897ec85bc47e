//! Whether the Redis servers keep what they acknowledge, as the configured level demands.

use std::collections::HashMap;

use redis::{AsyncConnectionConfig, Client};

use crate::{Queue, QueueError, link::CONNECT_TIMEOUT};

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk before the answer.
    Fsync,
    /// On disk, and with every replica that may be promoted, before the answer.
    Replicated,
    /// On disk within a second: a crash of the machine loses up to that.
    Everysec,
    /// In memory.
    None,
}

/// A setting of a server that does not keep the level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redis{at} has `{setting} {found}`, which {consequence}; set `{setting} {needed}`{or}")]
pub struct DurabilityFinding {
    /// The setting's name in `redis.conf`.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it should be.
    pub needed: &'static str,
    /// What follows from it.
    pub consequence: &'static str,
    /// Which server, when there are several.
    at: String,
    or: &'static str,
}

/// Setting, wanted value, what follows otherwise, and the level from which on it matters.
const DEMANDS: &[(&str, &str, &str, Level)] = &[
    (
        "appendonly",
        "yes",
        "loses every job with the process",
        Level::Disk,
    ),
    (
        "appendfsync",
        "always",
        "loses up to a second of acknowledged jobs",
        Level::Fsync,
    ),
    (
        "no-appendfsync-on-rewrite",
        "no",
        "stops syncing while the log is rewritten",
        Level::Fsync,
    ),
    (
        "maxmemory-policy",
        "noeviction",
        "deletes jobs when memory is short",
        Level::Any,
    ),
];

/// Settings that must be there at all, with what follows from a zero.
const MINIMA: &[(&str, &str, &str, Level)] = &[
    (
        "maxmemory",
        "BYTES",
        "lets the machine run out of memory",
        Level::Any,
    ),
    (
        "min-replicas-to-write",
        "1",
        "takes jobs that no replica has, and loses them when one is promoted",
        Level::Replicated,
    ),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Any,
    Disk,
    Fsync,
    Replicated,
}

impl Durability {
    fn level(self) -> Level {
        match self {
            Self::Replicated => Level::Replicated,
            Self::Fsync => Level::Fsync,
            Self::Everysec => Level::Disk,
            Self::None => Level::Any,
        }
    }
}

impl Queue {
    /// What the servers' settings fall short of: the master's, and those of every replica that can be reached.
    /// A server that will not show its settings is an error.
    pub async fn durability_findings(
        &self,
        durability: Durability,
    ) -> Result<Vec<DurabilityFinding>, QueueError> {
        let servers = self.inner.link.servers().await.map_err(QueueError::Redis)?;
        let alone = servers.len() == 1;
        let mut found = Vec::new();
        for server in servers {
            let Some(settings) = settings(&server, alone).await? else {
                continue;
            };
            let at = if alone {
                String::new()
            } else {
                format!(" at {}", server.get_connection_info().addr())
            };
            found.extend(findings(durability, &settings, &at));
        }
        Ok(found)
    }

    /// Keeps `durability` from now on: with [`Durability::Replicated`], what somebody relies on waits for every replica
    /// that may be promoted, and for as many as `min-replicas-to-write` says, or fails with [`QueueError::Replicas`].
    /// A service of Sentinels or a cluster is refused at any other level.
    pub async fn keep(&self, durability: Durability) -> Result<(), QueueError> {
        let link = &self.inner.link;
        if durability != Durability::Replicated {
            if link.may_fail_over() {
                return Err(QueueError::MayFailOver);
            }
            link.demand_replicas(0);
            return Ok(());
        }
        link.demand_replicas(self.least_replicas().await.unwrap_or(1).max(1));
        Ok(())
    }

    /// The least `min-replicas-to-write` of all servers, if they tell.
    async fn least_replicas(&self) -> Result<u32, QueueError> {
        let mut least = None;
        for server in self.inner.link.servers().await.map_err(QueueError::Redis)? {
            if let Some(settings) = settings(&server, false).await? {
                let number = settings.get("min-replicas-to-write");
                let number: u32 = number.and_then(|text| text.parse().ok()).unwrap_or(1);
                least = Some(least.map_or(number, |least: u32| least.min(number)));
            }
        }
        Ok(least.unwrap_or(1))
    }

    /// The server's version, for example `7.0.15`.
    pub async fn server_version(&self) -> Result<String, QueueError> {
        let home = self.home();
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut home.link.shared())
            .await
            .map_err(QueueError::Redis)?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("unknown").trim().to_owned())
    }
}

/// The settings of one server. A replica that cannot be reached from here is passed over: it is not asked for jobs,
/// and what it does not follow is not acknowledged anyway.
async fn settings(
    server: &Client,
    needed: bool,
) -> Result<Option<HashMap<String, String>>, QueueError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(CONNECT_TIMEOUT));
    let connection = server.get_multiplexed_async_connection_with_config(&config);
    let mut connection = match connection.await {
        Ok(connection) => connection,
        Err(error) if !needed && (error.is_io_error() || error.is_connection_refusal()) => {
            let address = server.get_connection_info().addr().to_string();
            tracing::warn!(
                redis.server = address,
                "its settings are not known, because it cannot be reached"
            );
            return Ok(None);
        }
        Err(error) => return Err(QueueError::Redis(error)),
    };
    let mut cmd = redis::cmd("CONFIG");
    cmd.arg("GET");
    for (setting, ..) in DEMANDS.iter().chain(MINIMA) {
        cmd.arg(*setting);
    }
    let settings = cmd.query_async(&mut connection).await;
    settings.map(Some).map_err(QueueError::Redis)
}

fn findings(
    durability: Durability,
    settings: &HashMap<String, String>,
    at: &str,
) -> Vec<DurabilityFinding> {
    let value = |setting: &str| settings.get(setting).cloned().unwrap_or_default();
    let differs = |(setting, needed, _, _): &&(&str, &str, &str, Level)| value(setting) != *needed;
    let lacks =
        |(setting, ..): &&(&str, &str, &str, Level)| matches!(value(setting).as_str(), "0" | "");
    let amiss = DEMANDS
        .iter()
        .filter(differs)
        .chain(MINIMA.iter().filter(lacks));
    amiss
        .filter(|(.., level)| durability.level() >= *level)
        .map(|(setting, needed, consequence, level)| DurabilityFinding {
            setting,
            found: Some(value(setting))
                .filter(|found| !found.is_empty())
                .unwrap_or_else(|| "0".to_owned()),
            needed,
            consequence,
            at: at.to_owned(),
            or: if *level == Level::Any {
                ""
            } else {
                ", or lower `redis.durability`"
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Durability, findings};

    fn check(durability: Durability, changed: (&str, &str), expected: &[&str]) {
        let settings = [
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("no-appendfsync-on-rewrite", "no"),
            ("maxmemory-policy", "noeviction"),
            ("maxmemory", "1000000"),
            ("min-replicas-to-write", "0"),
        ];
        let settings: HashMap<String, String> = settings
            .iter()
            .chain([&changed])
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found = findings(durability, &settings, "");
        let found: Vec<&str> = found.iter().map(|finding| finding.setting).collect();
        assert_eq!(found, expected, "{durability:?} {changed:?}");
    }

    #[test]
    fn a_server_that_keeps_less_than_the_level_is_found_out() {
        let everysec = ("appendfsync", "everysec");
        check(Durability::Fsync, ("appendfsync", "always"), &[]);
        check(Durability::Fsync, everysec, &["appendfsync"]);
        check(Durability::Everysec, everysec, &[]);
        check(Durability::None, ("appendfsync", "no"), &[]);
        check(Durability::Replicated, ("min-replicas-to-write", "2"), &[]);
        let both = ["appendfsync", "min-replicas-to-write"];
        check(Durability::Replicated, everysec, &both);
    }

    #[test]
    fn eviction_is_a_finding_at_every_level() {
        let found = findings(Durability::None, &HashMap::new(), "");
        let text = found[0].to_string();
        assert!(
            text.contains("maxmemory-policy") && text.contains("noeviction"),
            "{text}"
        );
    }
}
