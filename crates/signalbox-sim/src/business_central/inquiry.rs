//! A request to Business Central as its handlers see it, and how its path is read.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use crate::graph::query_options;
use crate::state::{Call, Shared};

/// Longest path and query. The service's limit is not documented; web servers in front of
/// it stop here.
const MAX_URL: usize = 8_192;

/// A request with everything the handlers need.
#[derive(Debug)]
pub(super) struct Inquiry {
    /// Seen from the environment that the path names.
    pub(super) shared: Arc<Shared>,
    /// Its name, as the path has it.
    pub(super) environment: String,
    pub(super) call: Call,
    pub(super) headers: HeaderMap,
    /// The path behind the environment, as it was written.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
}

impl Inquiry {
    /// The environment's address as this caller wrote it.
    pub(super) fn address(&self) -> String {
        let host = self.headers.get("host").and_then(|host| host.to_str().ok());
        let (tenant, environment) = (&self.shared.config.tenant, &self.environment);
        format!(
            "http://{}/bc/v2.0/{tenant}/{environment}",
            host.unwrap_or_default()
        )
    }

    /// The route between environment and company, and what follows it.
    pub(super) fn split(&self) -> (&str, &str) {
        let segments = match self.path.split('/').next() {
            Some("api") if self.path.starts_with("api/v2.0/") => 2,
            Some("api") => 4,
            _ => 1,
        };
        let slashes = self.path.match_indices('/').nth(segments - 1);
        slashes.map_or((self.path.as_str(), ""), |(at, _)| {
            (&self.path[..at], &self.path[at + 1..])
        })
    }

    /// The service root as this caller addressed it.
    pub(super) fn root(&self) -> String {
        format!("{}/{}", self.address(), self.split().0)
    }

    pub(super) fn option(&self, name: &str) -> Option<String> {
        query_options(self.query.as_deref()).remove(name)
    }

    /// Whether the URL is longer than the servers in front of the service take.
    pub(super) fn is_too_long(&self) -> bool {
        let query = self.query.as_deref().unwrap_or_default();
        self.path.len() + query.len() > MAX_URL
    }
}

/// A path segment: a name, and perhaps a key in parentheses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) name: &'a str,
    pub(super) key: Option<&'a str>,
}

impl<'a> Segment<'a> {
    pub(super) fn parse(segment: &'a str) -> Self {
        let keyed = segment
            .strip_suffix(')')
            .and_then(|rest| rest.split_once('('));
        keyed.map_or(
            Self {
                name: segment,
                key: None,
            },
            |(name, key)| Self {
                name,
                key: Some(key),
            },
        )
    }
}

/// A key or name as it is meant: in OData's quotes a doubled quote stands for one.
pub(super) fn unquoted(key: &str) -> String {
    let inner = key
        .strip_prefix('\'')
        .and_then(|key| key.strip_suffix('\''));
    inner.map_or_else(|| key.to_owned(), |inner| inner.replace("''", "'"))
}
