//! A run of failures is an outage: what this process has lately heard of each upstream, by the root of its lanes.
//!
//! Every request tells how it ended. Failures that speak of an upstream out of order are counted until one request
//! is answered; enough of them in a row break the root lane. One job cannot do that by itself where its own request
//! may be what the upstream cannot cope with: such a lane would stay broken for as long as that job lives.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use signalbox_core::{JobId, LaneName};
use signalbox_microsoft::{Error, Outage};
use signalbox_queue::LaneFault;

/// So many failures in a row are an outage. One is, if the upstream says so itself.
pub(crate) const IN_A_ROW: u32 = 5;

/// What this process has lately heard of each upstream.
#[derive(Debug, Default)]
pub struct Outages {
    runs: Mutex<HashMap<LaneName, Run>>,
    /// Roots beside those that jobs wait in, of which something was answered since this process began.
    heard_of: Mutex<HashSet<LaneName>>,
}

/// Failures since something was last answered.
#[derive(Debug, Default)]
struct Run {
    failures: u32,
    /// What happened each time, as long as it is the same.
    what: Option<String>,
    announced: bool,
    /// Whose failure was counted last.
    job: Option<JobId>,
    /// This process has broken the lane, and nothing was answered since.
    broken: Option<Broken>,
}

#[derive(Debug)]
struct Broken {
    /// Where no queue keeps jobs back, requests are refused until then.
    probe_at: Timestamp,
}

impl Outages {
    /// Counts a failure of `job`; `what` says what happened, as the beginning of a sentence.
    pub(crate) fn failed(&self, root: &LaneName, job: &JobId, what: &str, outage: Outage) {
        let mut runs = self.runs();
        let run = runs.entry(root.clone()).or_default();
        if outage == Outage::Particular && run.job.as_ref() == Some(job) {
            return;
        }
        run.what = match run.what.take() {
            Some(before) if before != what => Some(format!("{} has failed", service(root))),
            _ => Some(what.to_owned()),
        };
        run.failures = run.failures.saturating_add(1);
        run.announced = outage == Outage::Announced;
        run.job = Some(job.clone());
    }

    /// Something was answered. Returns whether the lane is to be mended: this process knows it to be broken, or an
    /// earlier one may have left it so where no queue sends jobs as probes.
    pub(crate) fn answered(&self, root: &LaneName, beside: bool) -> bool {
        let run = self.runs().remove(root);
        let first = beside && self.heard_of().insert(root.clone());
        first || run.is_some_and(|run| run.broken.is_some())
    }

    /// What is wrong with the upstream of `root`, if the run of failures is long enough.
    pub(crate) fn fault(&self, root: &LaneName, last: &str) -> Option<LaneFault> {
        let runs = self.runs();
        let run = runs.get(root)?;
        if run.failures < IN_A_ROW && !run.announced {
            return None;
        }
        let what = run.what.as_deref().unwrap_or_default();
        let cause = match run.failures {
            1 => format!("{what}: {last}"),
            failures => format!("{what} {failures} times in a row; the last time: {last}"),
        };
        Some(LaneFault {
            cause,
            next_action: next_action(root).to_owned(),
        })
    }

    /// Notes that the lane is broken and when it is probed. Returns whether that is news.
    pub(crate) fn broke(&self, root: &LaneName, probe_at: Timestamp) -> bool {
        let mut runs = self.runs();
        let run = runs.entry(root.clone()).or_default();
        run.broken.replace(Broken { probe_at }).is_none()
    }

    /// Leave for one request at each probe, for those whom no queue keeps back. Else the instant of the next probe.
    pub(crate) fn may_ask(
        &self,
        root: &LaneName,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<(), Timestamp> {
        let mut runs = self.runs();
        let Some(broken) = runs.get_mut(root).and_then(|run| run.broken.as_mut()) else {
            return Ok(());
        };
        if now < broken.probe_at {
            return Err(broken.probe_at);
        }
        broken.probe_at = next;
        Ok(())
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<LaneName, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard_of(&self) -> MutexGuard<'_, HashSet<LaneName>> {
        self.heard_of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened, as the beginning of a sentence.
pub(crate) fn what(root: &LaneName, error: &Error) -> String {
    let service = service(root);
    match error {
        Error::NoToken { .. } => "Microsoft Entra has given no token".to_owned(),
        Error::Unreachable { .. } => format!("{service} could not be reached"),
        Error::Garbled { .. } => format!("{service} has answered with no data"),
        error => match error.status() {
            Some(status) => format!("{service} has answered {status}"),
            None => format!("{service} has not answered"),
        },
    }
}

/// Whom the lanes below `root` lead to, for people.
fn service(root: &LaneName) -> &str {
    match root.as_str().split('/').next() {
        Some("bc") => "Business Central",
        Some("bot") => "the Bot Connector of Teams",
        Some("graph") => "Microsoft Graph",
        _ => root.as_str(),
    }
}

fn next_action(root: &LaneName) -> &'static str {
    if root.as_str().starts_with("bc/") {
        "nothing if this is maintenance: it is probed every 5 minutes, and the first answer opens the lane; else look \
         at the environment in the Business Central admin center, the service's health page, the network and the proxy"
    } else {
        "nothing if this is maintenance: it is probed every 5 minutes, and the first answer opens the lane; else look \
         at the service's health page, the network and the proxy"
    }
}

#[cfg(test)]
mod tests;
