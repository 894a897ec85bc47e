//! Durable jobs, fenced leases and an effect ledger on Redis.
//!
//! What this crate guarantees, each kept by a test that `docs/promises.md` names: an acknowledged job is as
//! durable as configured; a job runs at least once; an attempt that lost its lease cannot end its job; an effect
//! that was declared is never declared fresh again before somebody looked into it.
//! It is the only crate that names redis or apalis, and it knows nothing of Microsoft.
//!
//! [`Queue`] is the handle: enqueue, look up, hold, release, cancel, revive, and the ledger. [`Worker`] runs handlers;
//! [`protocol`] is for whoever does without one.
//! [`KEY_FAMILIES`] lists the keys, [`TRANSITIONS`] the changes of a job's state; each change is one script under `lua/`.

mod acker;
mod adapter;
mod address;
mod archive;
mod attempt;
mod browse;
mod claim;
mod company;
mod durability;
mod engine;
mod enqueue;
mod error;
mod fetcher;
mod gather;
mod held;
mod inspect;
mod install;
mod janitor;
mod keeper;
mod keys;
mod lane;
mod lease;
mod ledger;
mod life;
mod link;
mod memory;
mod operate;
mod partition;
mod payload;
mod permit;
mod portion;
pub mod protocol;
mod pulse;
mod queue;
mod recent;
mod reference;
mod register;
mod roster;
mod scripts;
mod seats;
mod tally;
mod trace;
mod trail;
mod witness;
mod worker;

pub use archive::{Archived, HeldBudget};
pub use browse::{CursorError, JobCursor, JobFilter, JobPage, ListedJob};
pub use durability::{Durability, DurabilityFinding};
pub use engine::EngineOptions;
pub use enqueue::{Enqueued, Mode, NewJob};
pub use error::QueueError;
pub use held::Parted;
pub use inspect::{Depth, JobState, JobView};
pub use install::{Installation, Origin};
pub use janitor::{Counts, Retention};
pub use keys::KEY_FAMILIES;
pub use lane::{LaneFault, LaneView};
pub use lease::{Lease, Token};
pub use ledger::{EffectState, Intent};
pub use life::{TRANSITIONS, Transition};
pub use memory::Memory;
pub use operate::{DeadFilter, Operated};
pub use payload::{PayloadError, PayloadKey, PayloadKeys};
pub use permit::{Permission, Permit};
pub use pulse::Pulse;
pub use queue::{Queue, QueueOptions};
pub use recent::{Attempts, Recent};
pub use register::Register;
pub use roster::{Load, Roll, WorkerView};
pub use trail::{Trail, TrailRetention, TrailWalk, TrailWriter};
pub use witness::{Unspoken, Witness};
pub use worker::{Job, Worker, WorkerOptions};
