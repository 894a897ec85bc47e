//! The whole product as real processes: what `cargo xtask prove` measures, at reduced size.
//!
//! Nothing here fails because a machine is slow: figures about speed are the proof's alone.

use harness::scenarios::{Scenario, Size};

/// Plays it at its reduced size; panics with what falls short.
pub(crate) async fn holds(scenario: Scenario) {
    let criteria = scenario.play(Size::Reduced, None).await.unwrap();
    let counted = criteria.iter().filter(|one| !one.is_about_speed());
    let short: Vec<_> = counted.filter(|one| !one.holds).collect();
    assert!(short.is_empty(), "{short:#?}\nof {criteria:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_delivers_every_card_once() {
    holds(Scenario::Demo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_every_second_loses_and_doubles_nothing() {
    holds(Scenario::WorkerKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_under_way_loses_and_doubles_nothing() {
    holds(Scenario::RedisKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_business_is_delivered_by_one_process_as_by_two() {
    holds(Scenario::Latency).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_answered_while_notifications_pour_in() {
    holds(Scenario::Handshake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_existed_before_a_route_is_announced_neither_by_a_rebuild_nor_after_redis_forgot_it() {
    holds(Scenario::Baseline).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_owners_of_the_embedded_redis_loses_nothing_and_never_makes_two_servers() {
    holds(Scenario::OwnerKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_workers_of_the_queue_in_turn_ends_every_job_once_and_repeats_only_what_was_in_flight()
 {
    holds(Scenario::Soak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_in_a_storm_of_gates_send_no_request_early_or_over_a_limit() {
    holds(Scenario::Storm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_filled_over_its_limit_drains_through_workers_and_takes_signals_again_by_itself() {
    holds(Scenario::Full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_that_is_rotated_under_load_fails_no_job() {
    holds(Scenario::KeyRotated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_webhook_over_every_wait_and_attempt_to_the_card() {
    holds(Scenario::Tracing).await;
}

/// Building another commit takes too long for a test, so both parts are played by this build: what is held here is that
/// work goes on while roles are replaced one by one. `cargo xtask prove queue` plays it with the commit before.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_are_replaced_one_by_one_under_load_lose_and_double_nothing() {
    holds(Scenario::SideBySide).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_watches_a_running_system_finds_every_figure_and_no_alert() {
    holds(Scenario::Watched).await;
}

/// Where a Docker engine and the base images are; elsewhere nothing is held here.
#[tokio::test(flavor = "multi_thread")]
async fn containers_that_are_added_killed_and_taken_away_under_load_lose_and_double_nothing() {
    holds(Scenario::Compose).await;
}
