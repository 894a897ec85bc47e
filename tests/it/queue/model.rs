//! The scripts against a model that was written without them.

use harness::queue_model;

/// Few enough for every run, and enough to see every change of state that there is.
const CASES: u32 = 48;
const SEED: u64 = 20_261_124;

#[test]
fn whatever_several_workers_and_people_do_the_queue_does_what_the_model_says() {
    queue_model::check(CASES, SEED);
}
