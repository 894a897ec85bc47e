//! Which lane a job runs in. Ingress, workers and the command line ask here, so that all agree.
//!
//! The root is credential × host × environment or tenant, because that is what upstreams count requests by.

use crate::{Addressee, LaneChain, LaneName};

/// The lane of everything that reads one Business Central environment: it has no lanes below it.
pub fn business_central_lanes(credential: &str, host: &str, environment: &str) -> LaneChain {
    LaneChain::root(LaneName::new(["bc", credential, host, environment]))
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
