//! Business Central, whole: every entity set, every company, and no change missed, whatever the cloud does.
//!
//! Each scenario keeps a log of its own of what it changed, and judges by that, by the cards, and by what the simulated
//! cloud was asked for; what the product says of itself counts only where that is what is looked at.

pub(super) mod backlog;
pub(super) mod collection;
mod hands;
mod house;
mod judge;
mod kinds;
mod looks;
pub(super) mod many;
pub(super) mod mixed;
mod people;
mod plan;
mod reader;
mod trail;
mod values;
