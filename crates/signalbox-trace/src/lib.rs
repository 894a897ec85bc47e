//! One trace per signal: from the webhook through every wait and every attempt to the card.
//!
//! A span hangs on what enqueued its job by the `traceparent` that the job carries: [`adopt`] reads it,
//! [`traceparent_of`] writes it, and [`Wait`] tells what passed in between. Where spans go, if anywhere, is for the
//! program to say; where it says nothing, all of this does nothing.

mod context;
mod wait;

pub use context::{absorbed, adopt, link, parse, traceparent_of};
pub use wait::{SCOPE, Wait};
