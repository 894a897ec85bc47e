//! Lanes: what shares an upstream's limits, and can be shut for all workers at once.
//!
//! A lane is shut by a gate (the upstream said when to come back), by an operator's pause, or by a fault of its
//! connection; fetch hands out no job of a lane that is shut or lies below one. A faulty lane lets one job through
//! at each probe.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_core::{LaneLimits, LaneName};

use crate::{Queue, QueueError, inspect::query, keys, ledger::instant, permit, scripts};

/// Why a lane is broken, for the person who has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneFault {
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub next_action: String,
}

/// A lane as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneView {
    /// Closed until this instant, and why.
    pub gate: Option<(Timestamp, String)>,
    /// Paused by an operator, and why.
    pub paused: Option<String>,
    /// Broken, and when it is probed next.
    pub broken: Option<(LaneFault, Timestamp)>,
    /// When the last of its faults ended.
    pub mended: Option<Timestamp>,
    /// Limits that were set while running, in place of the configured ones.
    pub limits: Option<LaneLimits>,
}

/// One change of a lane, as the script knows it.
struct Change<'a> {
    verb: &'static str,
    argument: String,
    reason: &'a str,
    every: Duration,
}

impl<'a> Change<'a> {
    fn new(verb: &'static str, argument: String, reason: &'a str) -> Self {
        Self {
            verb,
            argument,
            reason,
            every: Duration::ZERO,
        }
    }
}

impl Queue {
    /// Closes the gate of `lane` under `root` until `until`. Of several instants the latest holds.
    pub async fn close_lane(
        &self,
        root: &LaneName,
        lane: &LaneName,
        until: Timestamp,
        reason: &str,
    ) -> Result<(), QueueError> {
        let change = Change::new("close", until.as_millisecond().to_string(), reason);
        self.change_lane(root, lane, change).await
    }

    /// Opens the gate of `lane` before its time.
    pub async fn open_lane(&self, root: &LaneName, lane: &LaneName) -> Result<(), QueueError> {
        self.change_lane(root, lane, Change::new("open", String::new(), ""))
            .await
    }

    /// Lets no job of `lane` run until it is resumed.
    pub async fn pause_lane(
        &self,
        root: &LaneName,
        lane: &LaneName,
        reason: &str,
    ) -> Result<(), QueueError> {
        self.change_lane(root, lane, Change::new("pause", String::new(), reason))
            .await
    }

    /// Ends a pause.
    pub async fn resume_lane(&self, root: &LaneName, lane: &LaneName) -> Result<(), QueueError> {
        self.change_lane(root, lane, Change::new("resume", String::new(), ""))
            .await
    }

    /// Declares the connection behind `lane` to be at fault; it is probed at `first_probe` and then every `every`.
    pub async fn break_lane(
        &self,
        root: &LaneName,
        lane: &LaneName,
        fault: &LaneFault,
        probes: (Timestamp, Duration),
    ) -> Result<(), QueueError> {
        let (first_probe, every) = probes;
        let reason = serde_json::to_string(fault).unwrap_or_default();
        let argument = first_probe.as_millisecond().to_string();
        let change = Change {
            every,
            ..Change::new("break", argument, &reason)
        };
        self.change_lane(root, lane, change).await
    }

    /// Declares the connection behind `lane` to be well again.
    pub async fn mend_lane(&self, root: &LaneName, lane: &LaneName) -> Result<(), QueueError> {
        self.change_lane(root, lane, Change::new("mend", String::new(), ""))
            .await
    }

    /// Sets the limits of `lane` for all workers, in place of the configured ones; `None` gives these back.
    pub async fn limit_lane(
        &self,
        root: &LaneName,
        lane: &LaneName,
        limits: Option<&LaneLimits>,
    ) -> Result<(), QueueError> {
        let argument = limits.map(permit::wire).unwrap_or_default();
        self.change_lane(root, lane, Change::new("limit", argument, ""))
            .await
    }

    /// The lane as it stands.
    pub async fn lane(&self, root: &LaneName, lane: &LaneName) -> Result<LaneView, QueueError> {
        let partition = self.partition_of(root);
        let fields: BTreeMap<String, String> = redis::cmd("HGETALL")
            .arg(keys::lane(&partition.prefix, lane.as_str()))
            .query_async(&mut partition.link.shared())
            .await
            .map_err(QueueError::Redis)?;
        Ok(read(&fields))
    }

    /// Every lane that was shut or limited at some time, as it stands; those changed last come first.
    pub async fn lanes(&self) -> Result<Vec<(LaneName, LaneView)>, QueueError> {
        self.changed_lanes(None).await
    }

    /// [`Queue::lanes`], but of each partition only the `most` that were changed last: two round trips for each.
    pub async fn changed_lanes(
        &self,
        most: Option<NonZeroU32>,
    ) -> Result<Vec<(LaneName, LaneView)>, QueueError> {
        let last = most.map_or(-1, |most| i64::from(most.get()) - 1);
        let mut lanes = Vec::new();
        for partition in &self.inner.partitions {
            let mut newest = redis::cmd("ZREVRANGE");
            newest.arg(keys::gates(&partition.prefix)).arg(0).arg(last);
            let names: Vec<String> = query(partition, &newest).await?;
            let mut fields = redis::pipe();
            for name in &names {
                fields.hgetall(keys::lane(&partition.prefix, name));
            }
            if names.is_empty() {
                continue;
            }
            let fields: Vec<BTreeMap<String, String>> = fields
                .query_async(&mut partition.link.shared())
                .await
                .map_err(QueueError::Redis)?;
            let views = names.into_iter().zip(&fields);
            lanes.extend(views.map(|(name, fields)| (LaneName::from_stored(name), read(fields))));
        }
        Ok(lanes)
    }

    async fn change_lane(
        &self,
        root: &LaneName,
        lane: &LaneName,
        change: Change<'_>,
    ) -> Result<(), QueueError> {
        let partition = self.partition_of(root);
        let mut call = partition.call(&scripts::CHANGE_LANE);
        call.arg(lane.as_str())
            .arg(change.verb)
            .arg(change.argument)
            .arg(change.reason)
            .arg(change.every.as_millis().to_string());
        partition.invoke(&call).await
    }
}

fn read(fields: &BTreeMap<String, String>) -> LaneView {
    let text = |name: &str| fields.get(name).cloned();
    let at = |name: &str| text(name).map(|ms| instant(&ms));
    let fault = text("broken").and_then(|broken| serde_json::from_str(&broken).ok());
    LaneView {
        gate: at("until").zip(Some(text("reason").unwrap_or_default())),
        paused: text("paused").and(Some(text("paused_for").unwrap_or_default())),
        broken: fault.zip(at("probe_at")),
        mended: at("mended"),
        limits: text("limits").map(|limits| permit::unwire(&limits)),
    }
}
