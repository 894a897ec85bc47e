//! What the one send path promises whatever is asked.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_microsoft::{Errand, Error};
use signalbox_sim::{Fault, FaultKind, RetryAfter, Target};

use super::{
    Rig,
    canned::{Canned, whole},
    soon,
};

async fn companies(rig: &Rig, errand: Errand<'_>) -> Result<usize, Error> {
    let companies = rig.business_central().companies(errand).await?;
    Ok(companies.len())
}

async fn after_fault(fault: FaultKind) -> Error {
    let rig = Rig::start().await;
    rig.sim.add_fault(Fault::on("bc.read", fault).times(1));
    let error = companies(&rig, Errand::default()).await.unwrap_err();
    assert_eq!(companies(&rig, Errand::default()).await.unwrap(), 1);
    error
}

fn wait(error: &Error, from: Timestamp) -> Option<SignedDuration> {
    Some(from.duration_until(error.retry_after()?))
}

#[tokio::test]
async fn a_throttled_request_names_the_instant_in_every_form_of_retry_after() {
    for (retry_after, seconds) in [
        (RetryAfter::Secs(7), Some(7)),
        (RetryAfter::HttpDate(90), Some(90)),
        (RetryAfter::Absent, None),
    ] {
        let start = signalbox_core::Clock::now(&signalbox_core::SystemClock);
        let error = after_fault(FaultKind::Throttle(retry_after)).await;
        assert!(matches!(error, Error::Throttled { .. }), "{error}");
        assert!(error.is_transient() && error.proves_nothing_was_done());
        let expected = seconds.map(SignedDuration::from_secs);
        assert!(wait(&error, start) >= expected, "{retry_after:?}");
        assert_eq!(wait(&error, start).is_some(), seconds.is_some());
    }
}

#[tokio::test]
async fn a_503_keeps_its_retry_after_and_proves_nothing() {
    let start = signalbox_core::Clock::now(&signalbox_core::SystemClock);
    let error = after_fault(FaultKind::Status(503, RetryAfter::Secs(30))).await;
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.is_transient() && !error.proves_nothing_was_done());
    assert!(wait(&error, start) >= Some(SignedDuration::from_secs(30)));
}

#[tokio::test]
async fn an_error_says_host_path_code_and_ids_and_no_query() {
    let error = after_fault(FaultKind::Status(400, RetryAfter::Absent)).await;
    let text = error.to_string();
    let exchange = error.exchange().unwrap();
    assert!(text.contains("/companies was answered 400"), "{text}");
    assert!(text.contains(&exchange.request_id.to_string()), "{text}");
    assert!(
        !text.contains("CorrelationId") && !text.contains("$select"),
        "{text}"
    );
    assert!(exchange.upstream_request_id.is_some());
}

#[tokio::test]
async fn html_in_place_of_json_is_garbled_and_not_a_success() {
    let error = after_fault(FaultKind::Garbage).await;
    assert!(matches!(error, Error::Garbled { .. }), "{error}");
    assert!(!error.proves_nothing_was_done());
}

#[tokio::test]
async fn a_reset_connection_leaves_it_open_what_was_done() {
    let error = after_fault(FaultKind::Reset).await;
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(error.is_transient() && !error.proves_nothing_was_done());
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent() {
    let rig = Rig::start().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = rig.business_central_at(&url, "Production");
    let error = client.companies(Errand::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.is_transient() && error.proves_nothing_was_done());
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_our_token() {
    let rig = Rig::start().await;
    let elsewhere = format!("location: {}/\r\n", rig.sim.base_url());
    let before = rig.sim.request_count();
    let canned = Canned::start(vec![Box::new(move |_| whole("302 Found", &elsewhere, ""))]).await;
    let client = rig.business_central_at(&canned.url, "Production");
    let error = client.companies(Errand::default()).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error}");
    let tokens_only = rig.asked(Target::EntraToken) as u64;
    assert_eq!(rig.sim.request_count() - before, tokens_only);
}

#[tokio::test]
async fn one_401_costs_one_new_token_and_goes_unnoticed() {
    let rig = Rig::start().await;
    companies(&rig, Errand::default()).await.unwrap();
    rig.sim.revoke_tokens();
    assert_eq!(companies(&rig, Errand::default()).await.unwrap(), 1);
    assert_eq!(rig.asked(Target::EntraToken), 2);
}

#[tokio::test]
async fn a_second_401_is_final_and_asks_no_third_time() {
    let rig = Rig::start().await;
    rig.sim
        .add_fault(Fault::on("entra.token", FaultKind::WrongAudience));
    let error = companies(&rig, Errand::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(error.is_connection_fault() && error.next_step().contains("Entra Applications"));
    assert_eq!(rig.asked(Target::EntraToken), 2);
    assert_eq!(rig.asked(Target::BcRead), 2);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let rig = Rig::start().await;
    companies(&rig, Errand::default()).await.unwrap();
    let before = rig.sim.request_count();
    let past = Instant::now();
    let errand = Errand {
        gatekeeper: None,
        not_after: Some(&|| past),
        ..Errand::default()
    };
    let error = companies(&rig, errand).await.unwrap_err();
    assert!(matches!(error, Error::OutOfTime { .. }), "{error}");
    assert!(error.is_transient() && error.proves_nothing_was_done());
    assert_eq!(rig.sim.request_count(), before);
}

#[tokio::test]
async fn a_request_is_cut_off_at_the_deadline_although_its_timeout_is_longer() {
    let rig = Rig::start().await;
    companies(&rig, Errand::default()).await.unwrap();
    let never = FaultKind::Slow(Duration::from_secs(3600));
    rig.sim.add_fault(Fault::on("bc.read", never));
    let end = soon();
    let errand = Errand {
        gatekeeper: None,
        not_after: Some(&|| end),
        ..Errand::default()
    };
    let error = companies(&rig, errand).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(!error.proves_nothing_was_done());
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_interrupted() {
    let rig = Rig::impatient(Duration::from_millis(300)).await;
    let never = FaultKind::Slow(Duration::from_secs(3600));
    rig.sim.add_fault(Fault::on("bc.read", never));
    let error = companies(&rig, Errand::default()).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[tokio::test]
async fn every_request_carries_the_trace_and_an_id_of_its_own() {
    let rig = Rig::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let errand = Errand {
        gatekeeper: None,
        trace: Some(trace),
        ..Errand::default()
    };
    companies(&rig, errand).await.unwrap();
    companies(&rig, errand).await.unwrap();
    let reads = rig.sim.requests().into_iter();
    let reads: Vec<_> = reads
        .filter(|request| request.target == Target::BcRead)
        .map(|request| request.headers)
        .collect();
    assert_eq!(reads.len(), 2);
    for headers in &reads {
        assert_eq!(headers["traceparent"], trace);
        assert_eq!(headers["accept-language"], "en-US");
    }
    assert_ne!(reads[0]["client-request-id"], reads[1]["client-request-id"]);
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_to_the_end() {
    let rig = Rig::start().await;
    let huge = "x".repeat(2 << 20);
    let canned = Canned::start(vec![Box::new(move |_| whole("201 Created", "", &huge))]).await;
    let options = signalbox_microsoft::BotOptions::new(
        canned.url.parse().unwrap(),
        "https://api.botframework.com/.default".to_owned(),
        "tenant".to_owned(),
        "app".to_owned(),
    );
    let bot = signalbox_microsoft::Bot::new(options, rig.sender.clone(), rig.tokens.clone());
    let target = rig.approvals().await;
    let posted = bot
        .post_card(&target, &json!({}), "", Errand::default())
        .await;
    let error = posted.unwrap_err();
    assert!(matches!(error, Error::Garbled { .. }), "{error}");
}
