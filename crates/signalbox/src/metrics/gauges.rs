//! Gauges: how things stand at the moment of the scrape.

use std::collections::BTreeMap;

use jiff::Timestamp;
use signalbox_core::{LaneName, Subscription};
use signalbox_queue::{JobState, LaneView, Memory, Pulse};

use super::{
    Known,
    family::{
        BUILD, DEAD_JOBS, FETCH_AGE, GATE_CLOSED, LANE_BROKEN, OLDEST_AGE, QUEUE_DEPTH,
        REDIS_LIMIT, REDIS_MEMORY, SECRET_EXPIRY, SUBSCRIPTION_EXPIRY,
    },
    state::{MOST_LANES, Queues, State, seconds_until},
    text::Text,
};

/// The states that are counted. A queue that is known has a sample for each.
const STATES: [JobState; 5] = [
    JobState::Scheduled,
    JobState::Ready,
    JobState::Running,
    JobState::Held,
    JobState::Dead,
];

/// What this process knows by itself.
pub(super) fn own(text: &mut Text, pulse: Option<&Pulse>, known: &Known, now: Timestamp) {
    text.head(&BUILD);
    text.sample(&BUILD, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    text.head(&SECRET_EXPIRY);
    for (credential, expires) in &known.secrets {
        let left = seconds_until(*expires, now);
        text.sample(&SECRET_EXPIRY, &[("credential", credential)], left);
    }
    if let Some(pulse) = pulse {
        text.head(&FETCH_AGE);
        for (queue, age) in pulse.ages() {
            text.sample(&FETCH_AGE, &[("queue", queue.kind())], age.as_secs_f64());
        }
    }
}

/// What Redis said.
pub(super) fn of_redis(text: &mut Text, state: &State, known: &Known, now: Timestamp) {
    if let Some(queues) = &state.queues {
        backlogs(text, queues);
    }
    if let Some(lanes) = &state.lanes {
        shut(text, lanes, now);
    }
    if let Some(subscriptions) = &state.subscriptions {
        expiries(text, state, subscriptions, known, now);
    }
    if let Some(memory) = state.memory {
        of_memory(text, memory);
    }
}

fn expiries(text: &mut Text, state: &State, all: &[Subscription], known: &Known, now: Timestamp) {
    // One that is made anew may have two records for a moment; the later one counts.
    let mut latest: BTreeMap<_, Timestamp> = BTreeMap::new();
    for one in all {
        let key = (one.connection.to_string(), one.set.clone());
        if let Some(expires) = one.expires_at
            && known.listened.contains(&key)
            && one.polls_instead.is_none()
            && !state.has_left(one)
        {
            let expiry = latest.entry((key, &one.environment, one.company));
            let expiry = expiry.or_insert(expires);
            *expiry = expires.max(*expiry);
        }
    }
    // Of several companies the one whose subscription ends first.
    let mut expiries: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    for ((key, ..), expires) in latest {
        let expiry = expiries.entry(key).or_insert(expires);
        *expiry = expires.min(*expiry);
    }
    text.head(&SUBSCRIPTION_EXPIRY);
    for ((connection, entity), expires) in &expiries {
        let labels = [("connection", connection.as_str()), ("entity", entity)];
        text.sample(&SUBSCRIPTION_EXPIRY, &labels, seconds_until(*expires, now));
    }
}

fn backlogs(text: &mut Text, queues: &Queues) {
    let jobs = |queue: &String, state| {
        let count = queues.jobs.get(&(queue.clone(), state)).copied();
        whole(
            count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0),
        )
    };
    text.head(&QUEUE_DEPTH);
    for queue in queues.oldest.keys() {
        for state in STATES {
            let labels = [("queue", queue.as_str()), ("state", state.as_str())];
            text.sample(&QUEUE_DEPTH, &labels, jobs(queue, state));
        }
    }
    text.head(&DEAD_JOBS);
    for queue in queues.oldest.keys() {
        text.sample(&DEAD_JOBS, &[("queue", queue)], jobs(queue, JobState::Dead));
    }
    text.head(&OLDEST_AGE);
    for (queue, age) in &queues.oldest {
        text.sample(&OLDEST_AGE, &[("queue", queue)], age.as_secs_f64());
    }
}

fn shut(text: &mut Text, lanes: &[(LaneName, LaneView)], now: Timestamp) {
    let closed = lanes.iter().filter_map(|(lane, view)| {
        let (until, _) = view.gate.as_ref()?;
        (*until > now).then(|| (lane, seconds_until(*until, now)))
    });
    text.head(&GATE_CLOSED);
    for (lane, left) in closed.take(MOST_LANES.into()) {
        text.sample(&GATE_CLOSED, &[("lane", lane.as_str())], left);
    }
    let broken = lanes.iter().filter(|(_, view)| view.broken.is_some());
    text.head(&LANE_BROKEN);
    for (lane, _) in broken.take(MOST_LANES.into()) {
        text.sample(&LANE_BROKEN, &[("lane", lane.as_str())], 1.0);
    }
}

fn of_memory(text: &mut Text, memory: Memory) {
    text.head(&REDIS_MEMORY);
    text.sample(&REDIS_MEMORY, &[], whole(memory.used));
    if memory.most > 0 {
        text.head(&REDIS_LIMIT);
        text.sample(&REDIS_LIMIT, &[], whole(memory.most));
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "samples are floats, and exact up to 2^53"
)]
fn whole(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
