//! Gates that are closed and opened at random, always in the same order of lanes and spans.

use std::time::Duration;

use anyhow::Result;
use jiff::{Timestamp, ToSpan};
use signalbox_core::{Clock, SystemClock};
use signalbox_queue::Queue;
use tokio_util::sync::CancellationToken;

use super::{super::dice::Dice, root};
use crate::crew::Limited;

/// A stretch of time in which a lane was certainly closed. Instants are microseconds of the machine's clock.
#[derive(Debug, Clone)]
pub(super) struct Closure {
    pub(super) lane: String,
    /// When Redis had acknowledged it.
    pub(super) known: i64,
    /// When it opens by itself, or before it was told to open.
    pub(super) until: i64,
}

/// Closes and opens gates until `calm`; returns when which lane was closed.
pub(super) async fn blow(
    queue: &Queue,
    lanes: Vec<Limited>,
    calm: &CancellationToken,
) -> Result<Vec<Closure>> {
    let (mut dice, mut closures) = (Dice::new(1), Vec::new());
    while !calm.is_cancelled() {
        let lane = &lanes[dice.index(lanes.len())];
        if dice.between(0, 4) == 0 {
            open(queue, lane, &mut closures).await?;
        } else {
            let span = dice.between(20, 300);
            closures.push(close(queue, lane, span).await?);
        }
        let pause = Duration::from_millis(dice.between(10, 60));
        // Done early, the storm is over at once.
        drop(tokio::time::timeout(pause, calm.cancelled()).await);
    }
    Ok(closures)
}

async fn close(queue: &Queue, lane: &Limited, span_ms: u64) -> Result<Closure> {
    let now = SystemClock.now().as_millisecond();
    let until =
        Timestamp::from_millisecond(now)?.checked_add(i64::try_from(span_ms)?.milliseconds())?;
    queue
        .close_lane(&root(), &lane.name(), until, "a storm")
        .await?;
    Ok(Closure {
        lane: lane.lane.clone(),
        known: SystemClock.now().as_microsecond(),
        until: until.as_microsecond(),
    })
}

async fn open(queue: &Queue, lane: &Limited, closures: &mut [Closure]) -> Result<()> {
    let now = SystemClock.now().as_microsecond();
    for closure in closures.iter_mut().filter(|one| one.lane == lane.lane) {
        closure.until = closure.until.min(now);
    }
    Ok(queue.open_lane(&root(), &lane.name()).await?)
}
