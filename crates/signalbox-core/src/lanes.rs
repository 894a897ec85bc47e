//! Which lane a job runs in. Ingress, workers and the command line ask here, so that all agree.
//!
//! The root is credential × host × environment or tenant, because that is what upstreams count requests by.

use uuid::Uuid;

use crate::{Addressee, LaneChain, LaneName};

/// The root of everything that reads one Business Central environment. Its limits, gates and outages are upon it.
pub fn business_central_lanes(credential: &str, host: &str, environment: &str) -> LaneChain {
    LaneChain::root(LaneName::new(["bc", credential, host, environment]))
}

/// The lanes of reading one set of one company, below those of its `environment`: set, company, environment.
///
/// A permission that lacks is of a set, and a company that is gone takes no other with it.
pub fn set_lanes(environment: &LaneChain, company: Uuid, set: &str) -> LaneChain {
    let (root, company) = (environment.top(), company.to_string());
    LaneChain::root(root.clone())
        .below(LaneName::new([root.as_str(), &company]))
        .below(LaneName::new([root.as_str(), &company, set]))
}

/// The lanes of looking after one environment: what is refused there stops no reading.
pub fn renewal_lanes(environment: &LaneChain) -> LaneChain {
    let root = environment.top();
    LaneChain::root(root.clone()).below(LaneName::new([root.as_str(), "renew"]))
}

/// The lane of all ticks. They ask nothing of anybody, so no upstream's limit or fault holds them up.
pub fn tick_lanes() -> LaneChain {
    LaneChain::root(LaneName::new(["schedules"]))
}

/// The root of everything that one bot posts: its tenant.
pub fn bot_root(credential: &str, host: &str, tenant: &str) -> LaneName {
    LaneName::new(["bot", credential, host, tenant])
}

/// The root of everything that one credential asks of Graph: its tenant.
pub fn graph_root(credential: &str, host: &str, tenant: &str) -> LaneName {
    LaneName::new(["graph", credential, host, tenant])
}

/// The lane of one channel: channel, team, tenant.
pub fn bot_lanes(root: &LaneName, to: &Addressee) -> LaneChain {
    let team = LaneName::new([root.as_str(), &to.team]);
    let channel = LaneName::new([root.as_str(), &to.team, &to.channel]);
    LaneChain::root(root.clone()).below(team).below(channel)
}
