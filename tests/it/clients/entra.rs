//! Tokens from the simulated token endpoint.

use std::sync::{Arc, Mutex};

use signalbox_microsoft::{ClientSecret, EntraError, Errand, Error};
use signalbox_sim::{DEFAULT_CLIENT_SECRET, Fault, FaultKind, RetryAfter, SimConfig, Target};

use super::Rig;

const SCOPE: &str = "https://graph.microsoft.com/.default";

#[tokio::test]
async fn callers_who_come_at_once_share_one_request() {
    let rig = Rig::start().await;
    let one = || rig.tokens.token(SCOPE);
    let (first, second, third) = tokio::join!(one(), one(), one());
    first.and(second).and(third).unwrap();
    one().await.unwrap();
    assert_eq!(rig.asked(Target::EntraToken), 1);
}

#[tokio::test]
async fn every_scope_has_its_own_token() {
    let rig = Rig::start().await;
    rig.business_central()
        .companies(Errand::default())
        .await
        .unwrap();
    rig.approvals().await;
    assert_eq!(rig.asked(Target::EntraToken), 2);
}

#[tokio::test]
async fn a_wrong_secret_is_the_connections_fault_with_a_hint_and_nothing_is_sent() {
    let rig = Rig::start_with(SimConfig::at_scale(0.001), "x").await;
    let asked = rig.business_central().companies(Errand::default()).await;
    let error = asked.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::NoToken {
                source: EntraError::Configuration { .. }
            }
        ),
        "{error:?}"
    );
    assert!(error.is_connection_fault() && !error.is_transient());
    assert!(error.proves_nothing_was_done());
    assert!(error.next_step().contains("paste the secret's value"));
    assert_eq!(rig.asked(Target::BcRead), 0);
}

#[tokio::test]
async fn a_throttled_endpoint_is_not_asked_again_before_its_time() {
    let rig = Rig::start().await;
    let throttle = FaultKind::Throttle(RetryAfter::Secs(3600));
    rig.sim
        .add_fault(Fault::on("entra.token", throttle).times(1));
    for _ in 0..3 {
        let error = rig.tokens.token(SCOPE).await.unwrap_err();
        assert!(error.is_transient() && error.retry_after().is_some());
    }
    assert_eq!(rig.asked(Target::EntraToken), 1);
}

#[tokio::test]
async fn trouble_at_the_endpoint_passes_and_is_asked_again() {
    let rig = Rig::start().await;
    let fault = FaultKind::Status(503, RetryAfter::Absent);
    rig.sim.add_fault(Fault::on("entra.token", fault).times(1));
    rig.sim
        .add_fault(Fault::on("entra.token", FaultKind::Reset).times(1));
    for _ in 0..2 {
        let error = rig.tokens.token(SCOPE).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
    rig.tokens.token(SCOPE).await.unwrap();
}

#[tokio::test]
async fn neither_tokens_nor_secrets_are_shown() {
    let rig = Rig::start().await;
    let token = rig.tokens.token(SCOPE).await.unwrap();
    let shown = format!("{token:?} {:?}", rig.tokens);
    assert!(
        !shown.contains("simulated-client-secret") && !shown.contains("sim."),
        "{shown}"
    );
}

#[tokio::test]
async fn a_secret_that_was_replaced_counts_with_the_next_token() {
    let secret = Arc::new(Mutex::new(DEFAULT_CLIENT_SECRET.to_owned()));
    let now = secret.clone();
    let asked = move || now.lock().unwrap().clone().into();
    let rig = Rig::start_as(SimConfig::at_scale(0.001), ClientSecret::asked_for(asked)).await;
    let token = rig.tokens.token(SCOPE).await.unwrap();
    rig.sim.rotate_secret("the-new-one");
    "the-new-one".clone_into(&mut *secret.lock().unwrap());
    rig.tokens.invalidate(SCOPE, &token).await;
    rig.tokens.token(SCOPE).await.unwrap();
}
