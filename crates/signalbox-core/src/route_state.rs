//! Where a route stands between its creation and its first announcement.
//!
//! A route announces nothing before its baseline has entered what existed already.

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
}

/// The group of posts that wait for `route`.
pub fn hold_group(route: &RouteName) -> String {
    format!("route/{route}")
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
