//! One handler per job kind, the cards, and the expressions that decide what is announced.
//!
//! A handler gets a [`Context`], which holds all that a job may touch, and returns a decision. The list of handlers
//! is in `registry.rs`, where a reader sees the whole system on one screen.

mod announce;
mod bootstrap;
mod cards;
mod catch_up;
mod connections;
mod context;
mod counts;
mod entities;
mod expression;
mod fault;
mod finish;
mod outage;
mod pace;
mod people;
mod post;
mod read;
mod registry;
mod renew;
mod routes;
mod schedules;
mod source;
mod tell;
mod throttle;
mod tick;
mod way;

pub use bootstrap::{BootstrapError, ask_for_round, bootstrap, restart_baseline};
pub use cards::{Card, CardError, Cards};
pub use connections::{
    ConnectError, Connections, Sink, SinkLimits, connect, sender_options, sink_roots, source_lanes,
};
pub use context::{Context, Settings};
pub use expression::{Expression, ExpressionError};
pub use outage::Outages;
pub use registry::worker;
pub use routes::{Route, RouteError, Routes};
pub use schedules::{ask_for_tick, plant, schedules};
pub use source::{Source, Sources};
pub use tell::step_about;
pub use throttle::Throttles;
