//! Whether the Redis server keeps what it acknowledges, as the configured level demands.

use std::collections::HashMap;

use crate::{Queue, QueueError};

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk before the answer.
    Fsync,
    /// On disk within a second: a crash of the machine loses up to that.
    Everysec,
    /// In memory.
    None,
}

/// A setting of the server that does not keep the level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redis has `{setting} {found}`, which {consequence}; set `{setting} {needed}`{or}")]
pub struct DurabilityFinding {
    /// The setting's name in `redis.conf`.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it should be.
    pub needed: &'static str,
    /// What follows from it.
    pub consequence: &'static str,
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

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Any,
    Disk,
    Fsync,
}

impl Durability {
    fn level(self) -> Level {
        match self {
            Self::Fsync => Level::Fsync,
            Self::Everysec => Level::Disk,
            Self::None => Level::Any,
        }
    }
}

impl Queue {
    /// What the server's settings fall short of. A server that will not show its settings is an error.
    pub async fn durability_findings(
        &self,
        durability: Durability,
    ) -> Result<Vec<DurabilityFinding>, QueueError> {
        let mut cmd = redis::cmd("CONFIG");
        cmd.arg("GET");
        for (setting, ..) in DEMANDS {
            cmd.arg(*setting);
        }
        cmd.arg("maxmemory");
        let settings: HashMap<String, String> = cmd
            .query_async(&mut self.inner.link.shared())
            .await
            .map_err(QueueError::Redis)?;
        Ok(findings(durability, &settings))
    }

    /// The server's version, for example `7.0.15`.
    pub async fn server_version(&self) -> Result<String, QueueError> {
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut self.inner.link.shared())
            .await
            .map_err(QueueError::Redis)?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("unknown").trim().to_owned())
    }
}

fn findings(durability: Durability, settings: &HashMap<String, String>) -> Vec<DurabilityFinding> {
    let value = |setting: &str| settings.get(setting).cloned().unwrap_or_default();
    let mut findings: Vec<DurabilityFinding> = DEMANDS
        .iter()
        .filter(|(setting, needed, _, level)| {
            durability.level() >= *level && value(setting) != *needed
        })
        .map(|(setting, needed, consequence, level)| DurabilityFinding {
            setting,
            found: value(setting),
            needed,
            consequence,
            or: if *level == Level::Any {
                ""
            } else {
                ", or lower `redis.durability`"
            },
        })
        .collect();
    if matches!(value("maxmemory").as_str(), "0" | "") {
        findings.push(DurabilityFinding {
            setting: "maxmemory",
            found: "0".to_owned(),
            needed: "BYTES",
            consequence: "lets the machine run out of memory",
            or: "",
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Durability, findings};

    fn check(durability: Durability, appendfsync: &str, expected: &[&str]) {
        let settings = [
            ("appendonly", "yes"),
            ("appendfsync", appendfsync),
            ("no-appendfsync-on-rewrite", "no"),
            ("maxmemory-policy", "noeviction"),
            ("maxmemory", "1000000"),
        ];
        let settings: HashMap<String, String> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found = findings(durability, &settings);
        let found: Vec<&str> = found.iter().map(|finding| finding.setting).collect();
        assert_eq!(found, expected, "{durability:?} {appendfsync}");
    }

    #[test]
    fn a_server_that_keeps_less_than_the_level_is_found_out() {
        check(Durability::Fsync, "always", &[]);
        check(Durability::Fsync, "everysec", &["appendfsync"]);
        check(Durability::Everysec, "everysec", &[]);
        check(Durability::None, "no", &[]);
    }

    #[test]
    fn eviction_is_a_finding_at_every_level() {
        let found = findings(Durability::None, &HashMap::new());
        let text = found[0].to_string();
        assert!(
            text.contains("maxmemory-policy") && text.contains("noeviction"),
            "{text}"
        );
    }
}
