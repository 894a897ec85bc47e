//! `[routes.NAME]`: what is announced where.

use serde::Deserialize;
use signalbox_core::{ConnectionName, Schedule};

use crate::{Mention, credential::filled};

/// What is done when it cannot be found out whether a card was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Post it, at the risk of a second card.
    Post,
    /// Hold it for a person.
    Hold,
}

/// Where a route begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSource {
    /// The connection that is read.
    pub connection: ConnectionName,
    /// The entity set.
    #[serde(deserialize_with = "filled")]
    pub entity: String,
}

/// Where a route ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTarget {
    /// The connection that posts.
    pub connection: ConnectionName,
    /// The team's display name.
    #[serde(deserialize_with = "filled")]
    pub team: String,
    /// The channel's display name.
    #[serde(deserialize_with = "filled")]
    pub channel: String,
    /// The card template's name; without it, the entity set's own.
    pub card: Option<String>,
}

/// One configured way from a source to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Where it begins.
    pub from: RouteSource,
    /// An expression: what is announced at all.
    pub when: String,
    /// An expression: what is announced once per document; without it, what the entity set says.
    pub once: Option<String>,
    /// Where it ends.
    pub to: RouteTarget,
    /// When the whole set is looked at, whatever was notified.
    pub schedule: Option<Schedule>,
    /// Who is mentioned.
    pub mention: Vec<Mention>,
    /// What is done when it cannot be found out whether a card was posted.
    pub on_unknown: OnUnknown,
    /// False keeps the route and its history, and holds its signals.
    pub enabled: bool,
}
