//! What the ingress is told at its start.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use signalbox_core::{Clock, ConnectionName, LaneChain};
use signalbox_queue::{Queue, Trail};

/// A Business Central connection as the ingress needs it.
#[derive(Debug, Clone)]
pub struct BusinessCentralSource {
    /// The environment that subscriptions of older releases mean.
    pub first_environment: String,
    /// The lanes of everything read from each environment, by its name.
    pub environments: BTreeMap<String, LaneChain>,
}

/// What the ingress works with.
#[derive(Debug, Clone)]
pub struct IngressOptions {
    /// Where signals become durable.
    pub queue: Queue,
    /// Where signals are told of.
    pub trail: Trail,
    /// The connections that may send.
    pub business_central: BTreeMap<ConnectionName, BusinessCentralSource>,
    /// A larger body is not read, but caught up with.
    pub max_body_bytes: usize,
    /// How long a request waits for Redis before it is answered 503.
    pub redis_wait: Duration,
    /// Faulty input makes at most one catch-up per subscription in this time.
    pub catch_up_spacing: Duration,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}
