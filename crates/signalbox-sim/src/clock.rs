//! The one place where the simulator reads the calendar.
//!
//! The simulator stands for the outside world, so real time is right here; everything
//! else takes instants as arguments. Wire instants have whole milliseconds, as Business
//! Central's and Teams' do.

use jiff::Timestamp;

/// The current instant, cut to whole milliseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator is the outside world, whose clock nobody injects"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond())
        .expect("an instant cut to milliseconds stays in range")
}

/// `instant` moved by `delta` in whole milliseconds, clamped at the calendar's end.
pub(crate) fn later(instant: Timestamp, delta: std::time::Duration) -> Timestamp {
    let delta = i64::try_from(delta.as_millis()).unwrap_or(i64::MAX);
    let moved = instant.as_millisecond().saturating_add(delta);
    Timestamp::from_millisecond(moved).unwrap_or(Timestamp::MAX)
}
