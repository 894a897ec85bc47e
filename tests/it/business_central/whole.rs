//! Business Central, whole, as real processes: what `cargo xtask prove business-central` measures, at reduced size.
//!
//! Nothing here fails because a machine is slow: figures about speed are the proof's alone.

use harness::scenarios::Scenario;

use crate::fleet::holds;

#[tokio::test(flavor = "multi_thread")]
async fn the_cards_are_those_of_the_values_that_stood_whatever_the_cloud_does() {
    holds(Scenario::Mixed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_in_one_window_than_are_notified_singly_are_held_and_then_all_announced() {
    holds(Scenario::Collection).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_for_which_there_is_no_subscription_poll_and_the_log_says_so() {
    holds(Scenario::Many).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_read_in_the_fewest_requests_and_none_of_them_is_over_a_limit() {
    holds(Scenario::Backlog).await;
}
