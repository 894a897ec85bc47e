//! What every integration test stands on: a Redis of its own, and a worker whose handlers the test steers.
//!
//! Every test has its own `redis-server`, because tests kill it, empty it and restart it.

mod app;
mod cluster_group;
mod collector;
pub mod containers;
pub mod crew;
mod cutter;
pub mod fleet;
mod front;
mod hook;
pub mod json_schema;
mod key_table;
pub mod queue_model;
mod redis_server;
pub mod scenarios;
mod sentinel_group;
mod steered;
mod until;
pub mod watching;

pub use app::{App, Expected, PATIENCE, Setting, fact, link, route, title};
pub use cluster_group::ClusterGroup;
pub use collector::{Collector, Span};
pub use cutter::{Cut, Cutter};
pub use fleet::free_port;
pub use front::{Authority, ForwardProxy, Issued, TlsFront};
pub use hook::{CLIENT_STATE, COMPANY, HOOK, Hook, client, enter_subscription, notification};
pub use key_table::unknown_keys;
pub use redis_server::RedisServer;
pub use sentinel_group::SentinelGroup;
pub use steered::{Note, Script, Started, Steered};
pub use until::until;
