//! The life of a job as a list: every change of its state that the scripts make, and no other.
//!
//! `docs/job-lifecycle.md` draws it and says who makes each change. The model of the tests checks every change that it
//! sees against this list, and sees each of them.

use crate::JobState::{self, Cancelled, Dead, Done, Held, Ready, Running, Scheduled};

/// From a state to a state; `None` is where there is no job yet, or no job any more.
pub type Transition = (Option<JobState>, Option<JobState>);

/// Every change of a job's state.
pub const TRANSITIONS: [Transition; 22] = [
    (None, Some(Ready)),
    (None, Some(Scheduled)),
    (None, Some(Held)),
    (Some(Scheduled), Some(Ready)),
    (Some(Scheduled), Some(Held)),
    (Some(Scheduled), Some(Cancelled)),
    (Some(Ready), Some(Running)),
    (Some(Ready), Some(Held)),
    (Some(Ready), Some(Cancelled)),
    (Some(Running), Some(Ready)),
    (Some(Running), Some(Scheduled)),
    (Some(Running), Some(Held)),
    (Some(Running), Some(Done)),
    (Some(Running), Some(Dead)),
    (Some(Held), Some(Ready)),
    (Some(Held), Some(Scheduled)),
    (Some(Held), Some(Done)),
    (Some(Held), Some(Cancelled)),
    (Some(Dead), Some(Ready)),
    (Some(Done), None),
    (Some(Dead), None),
    (Some(Cancelled), None),
];
