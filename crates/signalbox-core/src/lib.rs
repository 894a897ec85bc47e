//! The pure part of Signalbox: the words of the product, its ids, its clock and its decisions.
//!
//! Nothing here does I/O or knows an async runtime, so every rule in this crate is tested as a function.
//! What a word means is fixed in the design; this crate is where the words become types.

mod backoff;
mod clock;
mod company;
mod ids;
mod job;
mod lane_limits;
mod lanes;
mod marker;
mod name;
mod outcome;
mod resource;
mod route_state;
mod schedule;
mod settle;
mod step;
mod subscription;
mod watermark;

pub use backoff::Backoff;
pub use clock::{Clock, ManualClock, SystemClock};
pub use company::{COMPANIES, KnownCompany};
pub use ids::{EffectKey, JobId, document_scope};
pub use job::{
    Addressee, CatchUp, CatchUpOfSet, CatchUpPurpose, CompanyAddress, Payload, Person, Post, Read,
    Record, Renew, RenewOfSet, Replay, Tick,
};
pub use lane_limits::{LaneLimits, LimitError, Window};
pub use lanes::{
    bot_lanes, bot_root, business_central_lanes, graph_root, renewal_lanes, set_lanes, tick_lanes,
};
pub use marker::{Marker, MarkerScanner};
pub use name::{ConnectionName, LaneChain, LaneName, NameError, QueueName, RouteName};
pub use outcome::{Completion, Decision, JobError, JobResult};
pub use resource::{Resource, ResourceError};
pub use route_state::{
    Beginning, Leave, ROUTES, RoutePhase, RouteState, baseline_group, hold_group, is_route_group,
    is_unknown_group, route_of_group, unknown_group,
};
pub use schedule::{
    CronPattern, MOST_MISSED, Misfire, ON_TIME, Overlap, SCHEDULES, Schedule, ScheduleError,
    ScheduleState, Zone,
};
pub use settle::{Limits, Settlement, Standing, settle};
pub use step::{DocumentName, RecordAddress, Step, StepWord};
pub use subscription::{
    ClientStateDigest, ClientStates, PollsInstead, SUBSCRIPTIONS, Subscription, SubscriptionFailure,
};
pub use watermark::{Numbers, WATERMARKS, Watermark, next_in_pace, place_in};
