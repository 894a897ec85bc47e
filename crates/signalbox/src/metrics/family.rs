//! Every metric there is: its name, type, labels, meaning, and the roles that serve it.
//!
//! `docs/metrics.md` lists the same, and a test compares the page with what running roles serve.

use Kind::{Counter, Gauge, Histogram};
use Served::{Always, Receiving, Working};

/// What Prometheus calls its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// With these bounds of its buckets, in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram(_) => "histogram",
        }
    }
}

/// When a role serves it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Served {
    Always,
    Receiving,
    Working,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) served: Served,
}

/// An answer within a request: Redis is waited for up to 8 s.
const OF_AN_ANSWER: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// One attempt: from nothing to do, to a baseline of a large company.
const OF_AN_ATTEMPT: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
];
/// From the change to the card, waiting for an upstream's limits included.
const END_TO_END: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];

const fn family(name: &'static str, kind: Kind, served: Served, help: &'static str) -> Family {
    Family {
        name,
        kind,
        help,
        served,
    }
}

pub(super) const BUILD: Family = family(
    "signalbox_build_info",
    Gauge,
    Always,
    "Always 1; the label is the version that runs.",
);
pub(super) const DEAD_JOBS: Family = family(
    "signalbox_dead_jobs",
    Gauge,
    Always,
    "Jobs that will not be tried again; each needs a person.",
);
pub(super) const FETCH_AGE: Family = family(
    "signalbox_worker_fetch_age_seconds",
    Gauge,
    Working,
    "Seconds since Redis last answered this worker's fetch or renewal for the queue.",
);
pub(super) const GATE_CLOSED: Family = family(
    "signalbox_gate_closed_seconds",
    Gauge,
    Always,
    "Seconds until the lane's gate opens, for closed lanes only, at most 1000 of them.",
);
pub(super) const LANE_BROKEN: Family = family(
    "signalbox_lane_broken",
    Gauge,
    Always,
    "1 for each lane whose connection is at fault, at most 1000 of them.",
);
pub(super) const OLDEST_AGE: Family = family(
    "signalbox_queue_oldest_age_seconds",
    Gauge,
    Always,
    "Seconds that the oldest ready job has been waiting; 0 if none is ready.",
);
pub(super) const QUEUE_DEPTH: Family = family(
    "signalbox_queue_depth",
    Gauge,
    Always,
    "Jobs that are not over, and dead ones, by state.",
);
pub(super) const REDIS_LIMIT: Family = family(
    "signalbox_redis_memory_limit_bytes",
    Gauge,
    Always,
    "What Redis may use (maxmemory); absent if there is no limit.",
);
pub(super) const REDIS_MEMORY: Family = family(
    "signalbox_redis_memory_bytes",
    Gauge,
    Always,
    "What Redis uses of its limit; of a cluster, the fullest master.",
);
pub(super) const SECRET_EXPIRY: Family = family(
    "signalbox_secret_expiry_seconds",
    Gauge,
    Always,
    "Seconds until the credential's client_secret_expires begins; negative after it.",
);
pub(super) const SUBSCRIPTION_EXPIRY: Family = family(
    "signalbox_subscription_expiry_seconds",
    Gauge,
    Always,
    "Seconds until the source forgets the subscription; negative after it.",
);

/// All of them, by name.
pub(super) const FAMILIES: [Family; 19] = [
    BUILD,
    family(
        "signalbox_catch_up_found_total",
        Counter,
        Working,
        "Announcements that a poll or a catch-up found and no signal had brought.",
    ),
    DEAD_JOBS,
    family(
        "signalbox_effects_total",
        Counter,
        Working,
        "What became of effects at a sink.",
    ),
    family(
        "signalbox_end_to_end_seconds",
        Histogram(END_TO_END),
        Working,
        "From the change in the source to the confirmed post, without replays.",
    ),
    GATE_CLOSED,
    family(
        "signalbox_ingress_seconds",
        Histogram(OF_AN_ANSWER),
        Receiving,
        "From the head of a request to its answer.",
    ),
    family(
        "signalbox_ingress_total",
        Counter,
        Receiving,
        "Requests by what was answered.",
    ),
    family(
        "signalbox_job_seconds",
        Histogram(OF_AN_ATTEMPT),
        Working,
        "How long an attempt of a job ran, whatever came of it.",
    ),
    family(
        "signalbox_jobs_total",
        Counter,
        Working,
        "Ends of attempts by what became of the job.",
    ),
    LANE_BROKEN,
    QUEUE_DEPTH,
    OLDEST_AGE,
    REDIS_MEMORY,
    REDIS_LIMIT,
    SECRET_EXPIRY,
    SUBSCRIPTION_EXPIRY,
    family(
        "signalbox_upstream_requests_total",
        Counter,
        Working,
        "Requests to outside systems by the status of the answer.",
    ),
    FETCH_AGE,
];

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Both.
    All,
    /// The ingress alone.
    Ingress,
    /// A worker alone.
    Worker,
}

impl Role {
    /// Whether it serves `family`.
    pub(super) fn serves(self, family: &Family) -> bool {
        match family.served {
            Always => true,
            Receiving => self != Self::Worker,
            Working => self != Self::Ingress,
        }
    }
}
