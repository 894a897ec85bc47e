//! What handlers count: effects by what became of them, how long a card took from its document's change, and what
//! catch-ups found.

use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, histogram};
use signalbox_core::{CatchUp, JobId, Post};
use signalbox_queue::Job;

use crate::{Context, announce::field};

const EFFECTS: &str = "signalbox_effects_total";
const END_TO_END: &str = "signalbox_end_to_end_seconds";
const FOUND: &str = "signalbox_catch_up_found_total";

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It was made, and its receipt is in the ledger.
    Confirmed,
    /// An attempt whose answer was lost had made it; the sink shows it.
    Found,
    /// It was made or known before, so nothing was done.
    Known,
    /// The sink did nothing; it is tried again.
    Withdrawn,
    /// The request was made and nobody knows what it did; the next attempt looks.
    Unknown,
    /// Nobody could find out, and a person has to.
    Held,
}

impl Effect {
    const ALL: [Self; 6] = [
        Self::Confirmed,
        Self::Found,
        Self::Known,
        Self::Withdrawn,
        Self::Unknown,
        Self::Held,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Found => "found",
            Self::Known => "known",
            Self::Withdrawn => "withdrawn",
            Self::Unknown => "unknown",
            Self::Held => "held",
        }
    }
}

/// Lets the counts of everything that is configured be there from the start, at zero: a first one shall be seen as a
/// rise.
pub(crate) fn begin(context: &Context) {
    for sink in context.sinks.keys() {
        for effect in Effect::ALL {
            counter!(EFFECTS, "sink" => sink.to_string(), "outcome" => effect.as_str())
                .increment(0);
        }
    }
    for route in context.routes.iter() {
        drop(histogram!(END_TO_END, "route" => route.name.to_string()));
        found_in(route.source.as_str(), &route.set, 0);
    }
}

/// Something became of the effect of `post`.
pub(crate) fn effect(post: &Post, effect: Effect) {
    let sink = post.connection.to_string();
    counter!(EFFECTS, "sink" => sink, "outcome" => effect.as_str()).increment(1);
}

/// A card was confirmed at `now`.
///
/// A replay is not counted: its document changed at any time before.
pub(crate) fn end_to_end(job: &Job<Post>, now: Timestamp) {
    let is_replay = job.lease.id != JobId::post(&job.payload.effect);
    if is_replay {
        return;
    }
    let changed = field(&job.payload.fields, "lastModifiedDateTime").parse();
    let begun = changed.unwrap_or(job.enqueued_at);
    // The source's clock may be ahead of ours.
    let took = Duration::try_from(now.duration_since(begun)).unwrap_or_default();
    let route = job.payload.route.to_string();
    histogram!(END_TO_END, "route" => route).record(took);
}

/// A catch-up found `announcements` that no signal had brought.
pub(crate) fn found(catch_up: &CatchUp, announcements: u64) {
    found_in(
        catch_up.company.connection.as_str(),
        &catch_up.set,
        announcements,
    );
}

fn found_in(connection: &str, entity: &str, announcements: u64) {
    let (connection, entity) = (connection.to_owned(), entity.to_owned());
    counter!(FOUND, "connection" => connection, "entity" => entity).increment(announcements);
}
