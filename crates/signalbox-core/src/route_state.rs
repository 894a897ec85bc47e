//! Where a route stands between its creation and its first announcement.
//!
//! A route announces nothing before its baseline has entered what existed already.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::RouteName;

/// The register that holds a [`RouteState`] per route.
pub const ROUTES: &str = "routes";

/// What a route may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutePhase {
    /// Its baseline runs; posts are held until it has ended.
    Baselining,
    /// It announces.
    Active,
    /// A person must decide; posts are held.
    Held,
}

/// The state of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteState {
    /// What it may do.
    pub phase: RoutePhase,
    /// Since when.
    pub since: Timestamp,
    /// Why, and what to do about it.
    pub reason: String,
    /// The companies for which its baseline has ended, by their scopes. Older releases knew only one company and wrote
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<BTreeMap<String, Beginning>>,
}

/// How a route began for one company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// When its baseline had ended.
    pub since: Timestamp,
    /// In a set that only grows, the highest number that was there: what has it or a lower one is not news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<i64>,
}

/// Whether a route may announce the documents of a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Given,
    /// Not before its baseline of this company has ended.
    AfterBaseline,
    /// Not before a person decides.
    AfterDecision,
}

impl RouteState {
    /// Whether the route may announce the documents of `scope`.
    pub fn leave(&self, scope: &str) -> Leave {
        match (&self.phase, &self.begun) {
            (RoutePhase::Held, _) => Leave::AfterDecision,
            (RoutePhase::Active, None) => Leave::Given,
            (_, Some(begun)) if begun.contains_key(scope) => Leave::Given,
            _ => Leave::AfterBaseline,
        }
    }
}

/// The group of posts that wait for `route`.
pub fn hold_group(route: &RouteName) -> String {
    format!("route/{route}")
}

/// The group of posts that wait until the baseline of `route` for the company of `scope` has ended.
pub fn baseline_group(route: &RouteName, scope: &str) -> String {
    format!("route/{route}/{scope}")
}

/// The route whose state the posts of `group` wait for.
pub fn route_of_group(group: &str) -> Option<&str> {
    let rest = group.strip_prefix("route/")?;
    Some(rest.split_once('/').map_or(rest, |(route, _)| route))
}

/// Whether `group` waits for its route.
pub fn is_route_group(group: &str) -> bool {
    group.starts_with("route/")
}

/// What the names of groups begin with whose posts may have been made.
const UNKNOWN: &str = "unknown/";

/// The group of posts of `route` of which it cannot be found out whether they were made.
pub fn unknown_group(route: &RouteName) -> String {
    format!("{UNKNOWN}{route}")
}

/// Whether to release `group` is to say that somebody looked, and that its posts were not made.
pub fn is_unknown_group(group: &str) -> bool {
    group.starts_with(UNKNOWN)
}
