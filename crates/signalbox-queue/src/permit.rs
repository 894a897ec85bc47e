//! Permits: leave to send one request now, taken just before its bytes are written.
//!
//! One script asks the gates, windows and concurrency of a lane and its ancestors together, so no limit is overrun
//! by workers that ask at the same time. A permit that its worker did not live to give back is free with its lease.

mod returns;

use std::time::Duration;

use jiff::Timestamp;
use signalbox_core::{LaneLimits, LaneName, Window};
use uuid::Uuid;

pub(crate) use returns::Returns;

use crate::{Lease, Queue, QueueError, ledger::instant, partition::Partition, scripts};

/// Leave to send one request.
#[derive(Debug)]
#[must_use = "a permit is given back when its request is over"]
pub struct Permit {
    name: String,
    lease: Lease,
    lanes: Vec<LaneName>,
    partition: u16,
    /// Places taken in the concurrency of lanes; without any there is nothing to give back.
    places: u32,
    /// Half of the places of one of its lanes are taken, so others may soon wait for this one.
    scarce: bool,
}

impl Permit {
    /// Whether somebody may be waiting for this permit to come back.
    pub fn takes_a_place(&self) -> bool {
        self.places > 0
    }
}

/// What a request is told.
#[derive(Debug)]
pub enum Permission {
    /// It may be sent now.
    Granted(Permit),
    /// Not before this instant.
    Wait {
        /// When to ask again.
        until: Timestamp,
        /// The lane that refuses.
        lane: LaneName,
        /// Why it does.
        why: String,
    },
}

impl Queue {
    /// Asks for leave to send one request of `weight` on `lanes`, the lowest lane first and the root last.
    ///
    /// A job whose own lanes lie in another partition takes part in gates and windows, not in concurrency.
    pub async fn permit(
        &self,
        lease: &Lease,
        lanes: &[(LaneName, LaneLimits)],
        weight: u64,
    ) -> Result<Permission, QueueError> {
        let Some((root, _)) = lanes.last() else {
            return Ok(Permission::Granted(granted(lease, &[], lease.partition)));
        };
        let partition = self.partition_of(root);
        let mut permit = granted(lease, lanes, partition.number);
        let mut call = partition.call(&scripts::TAKE_PERMIT);
        call.arg(own_job(lease, partition))
            .arg(lease.token.as_str())
            .arg(&permit.name)
            .arg(weight);
        for (lane, limits) in lanes {
            call.arg(lane.as_str()).arg(wire(limits));
        }
        let answer: Vec<String> = partition.invoke(&call).await?;
        let text = |index: usize| answer.get(index).cloned().unwrap_or_default();
        match text(0).as_str() {
            "granted" => {
                permit.places = text(1).parse().unwrap_or(0);
                permit.scarce = text(2) == "1";
                Ok(Permission::Granted(permit))
            }
            "wait" => Ok(Permission::Wait {
                until: instant(&text(1)),
                lane: LaneName::from_stored(text(2)),
                why: text(3),
            }),
            _ => Err(QueueError::LeaseLost),
        }
    }
}

fn granted(lease: &Lease, lanes: &[(LaneName, LaneLimits)], partition: u16) -> Permit {
    Permit {
        name: Uuid::new_v4().simple().to_string(),
        lease: lease.clone(),
        lanes: lanes.iter().map(|(lane, _)| lane.clone()).collect(),
        partition,
        places: 0,
        scarce: false,
    }
}

/// The job's ref where its record is, and nothing elsewhere.
fn own_job<'a>(lease: &'a Lease, partition: &Partition) -> &'a str {
    if lease.partition == partition.number {
        &lease.reference
    } else {
        ""
    }
}

/// The name under which `permit` has its places.
fn holder(permit: &Permit, partition: &Partition) -> String {
    let job = own_job(&permit.lease, partition);
    format!("{job} {} {}", permit.lease.token.as_str(), permit.name)
}

/// Limits as the script reads them: guarded windows in milliseconds.
pub(crate) fn wire(limits: &LaneLimits) -> String {
    let windows: Vec<String> = limits
        .windows
        .iter()
        .map(|window| format!("{}/{}", window.amount, window.guarded().as_millis()))
        .collect();
    format!("{};{}", limits.concurrency.unwrap_or(0), windows.join(","))
}

/// Limits as they are in force, guards included.
pub(crate) fn unwire(text: &str) -> LaneLimits {
    let (concurrency, windows) = text.split_once(';').unwrap_or((text, ""));
    let windows = windows.split(',').filter_map(|window| {
        let (amount, ms) = window.split_once('/')?;
        Some(Window {
            amount: amount.parse().ok()?,
            span: Duration::from_millis(ms.parse().ok()?),
        })
    });
    LaneLimits {
        concurrency: concurrency.parse().ok().filter(|number| *number > 0),
        windows: windows.collect(),
    }
}
