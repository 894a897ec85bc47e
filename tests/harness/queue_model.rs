//! The shipped scripts on a real Redis against a pure model, step by step, under a clock that is passed in.
//!
//! Steps are random and their seed is not: the same cases in every run. A case that fails is shrunk before it is told.

mod drive;
mod handed_out;
mod lanes;
mod look;
mod model;
mod moves;
mod step;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use tokio::runtime::Builder;

use crate::{RedisServer, unknown_keys};
use drive::Pair;
use moves::Moves;
use step::{Step, steps};

/// Runs `cases` sequences of steps that follow from `seed`, and fails with the shortest one that shows a difference.
///
/// # Panics
/// If the queue does something that the model does not, if a job changes its state in a way that is in no list, if a
/// change of that list was never seen, or if a key is left that the table of keys does not have.
pub fn check(cases: u32, seed: u64) {
    let redis = RedisServer::start_with(&["--appendonly no"]);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 4000,
        // In ms: what is not short by then is told as it is.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let moved = RefCell::new(Moves::default());
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let told = runtime.block_on(run(&redis, &steps));
        let of_case = told.map_err(TestCaseError::fail)?;
        moved.borrow_mut().add(of_case);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("{why}\nafter these steps:\n{steps:?}"),
        Err(TestError::Abort(why)) => panic!("no case was run: {why}"),
    }
    let unseen = moved.borrow().unseen();
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
}

async fn run(redis: &RedisServer, steps: &[Step]) -> Result<Moves, String> {
    let mut pair = Pair::new(redis).await;
    for (number, step) in steps.iter().enumerate() {
        let taken = pair.take(step).await;
        taken.map_err(|difference| {
            format!(
                "step {number}, {step:?}: {difference}: {:?}",
                difference.source()
            )
        })?;
    }
    let unknown = unknown_keys(redis);
    if !unknown.is_empty() {
        return Err(format!("keys that no table has: {unknown:?}"));
    }
    Ok(pair.moves)
}
