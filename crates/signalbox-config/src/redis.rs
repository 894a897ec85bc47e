//! `[redis]`: where the jobs are kept, and how safely.

use std::{
    fmt,
    num::{NonZeroU16, NonZeroU64},
    path::PathBuf,
    sync::Arc,
};

use serde::Deserialize;

use crate::{RedisUrl, Secret, Vault, secret::source::SecretSource};

/// How safe a job is once it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// On disk before it is acknowledged.
    Fsync,
    /// On disk, and on every replica that may be promoted.
    Replicated,
    /// On disk within a second.
    Everysec,
    /// In memory.
    None,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fsync => "fsync",
            Self::Replicated => "replicated",
            Self::Everysec => "everysec",
            Self::None => "none",
        })
    }
}

/// Which Redis is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum RedisLocation {
    /// A `redis-server` of our own in the data folder.
    Embedded,
    /// A server, or a group of servers, at this address.
    Server(RedisUrl),
}

impl TryFrom<String> for RedisLocation {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        RedisUrl::read(&text).map(Self::Server)
    }
}

/// The section `[redis]`.
#[derive(Debug, Clone)]
pub struct Redis {
    /// Which Redis is used.
    pub location: RedisLocation,
    /// The password, when it is not part of the address.
    pub password: Option<Secret>,
    /// The user of the Sentinels, when they ask for one.
    pub sentinel_user: Option<String>,
    /// The password of the Sentinels, when they ask for one.
    pub sentinel_password: Option<Secret>,
    /// What payloads are sealed with, by name; the first seals.
    pub payload_keys: Vec<(String, Secret)>,
    /// The authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The level that the server must keep.
    pub durability: Durability,
    /// What every key begins with.
    pub namespace: String,
    /// The number of hash slots that jobs are spread over.
    pub partitions: NonZeroU16,
    /// The operator says that the server keeps the level, though it does not tell.
    pub vouched: bool,
    /// The program for the embedded Redis, when it is not searched for.
    pub server_path: Option<PathBuf>,
    /// The most memory for the embedded Redis, in MiB, when it is not half of the machine's.
    pub memory_mib: Option<NonZeroU64>,
}

/// A key for payloads as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayloadKeySource {
    id: String,
    pub(crate) secret: SecretSource,
}

/// The section as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisSection {
    pub(crate) url: RedisLocation,
    pub(crate) password: Option<SecretSource>,
    sentinel_user: Option<String>,
    pub(crate) sentinel_password: Option<SecretSource>,
    #[serde(default)]
    pub(crate) payload_keys: Vec<PayloadKeySource>,
    ca_file: Option<PathBuf>,
    durability: Durability,
    #[serde(deserialize_with = "namespace")]
    namespace: String,
    partitions: NonZeroU16,
    vouched: bool,
    server_path: Option<PathBuf>,
    memory_mib: Option<NonZeroU64>,
}

impl RedisSection {
    pub(crate) fn resolve(self, vault: &Arc<Vault>) -> Redis {
        let secret = |source| Secret::new(source, vault);
        Redis {
            location: self.url,
            password: self.password.map(secret),
            sentinel_user: self.sentinel_user,
            sentinel_password: self.sentinel_password.map(secret),
            payload_keys: self
                .payload_keys
                .into_iter()
                .map(|key| (key.id, secret(key.secret)))
                .collect(),
            ca_file: self.ca_file,
            durability: self.durability,
            namespace: self.namespace,
            partitions: self.partitions,
            vouched: self.vouched,
            server_path: self.server_path,
            memory_mib: self.memory_mib,
        }
    }
}

/// Braces choose a hash slot and colons part a key, so neither may be in the namespace.
fn namespace<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then_some(text).ok_or_else(|| {
        serde::de::Error::custom(
            "cannot be a namespace; use 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`",
        )
    })
}
