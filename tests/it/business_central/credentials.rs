//! Tokens and secrets that do not serve: jobs wait unharmed and go on by themselves once they can.

use harness::{App, Setting};
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, SimHandle, Target};

use super::{delivered, post};

/// Answers with `status` to requests for `target`.
fn answered(app: &App, target: Target, status: u16) -> usize {
    let requests = app.sim.requests().into_iter();
    requests
        .filter(|request| request.target == target && request.status == Some(status))
        .count()
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_and_the_job_notices_nothing() {
    let mut app = App::start().await;
    app.expected.refusals = vec![401];
    post(&app);
    delivered(&app).await;
    app.sim.revoke_tokens();
    let before = app.asked(Target::EntraToken);
    let posted = post(&app);
    delivered(&app).await;
    assert_eq!(answered(&app, Target::BcRead, 401), 1);
    let asked = app.asked(Target::EntraToken) - before;
    assert!(asked <= 3, "{asked} tokens for three services");
    let read = app.read_job(&posted, JobState::Done).await;
    assert_eq!(read.attempt, 1);
}

#[tokio::test]
async fn a_token_for_the_wrong_audience_is_given_back_at_the_first_401() {
    let wrong = |sim: &SimHandle| {
        sim.add_fault(Fault::on("entra.token", FaultKind::WrongAudience).times(1));
    };
    let mut app = App::over(Setting::default(), wrong).await;
    app.expected.refusals = vec![401];
    post(&app);
    delivered(&app).await;
    let refused =
        answered(&app, Target::BcRead, 401) + answered(&app, Target::BcSubscriptions, 401);
    assert!(
        (1..=2).contains(&refused),
        "{refused} requests were refused"
    );
}

#[tokio::test]
async fn a_second_401_breaks_the_connection_and_kills_no_job() {
    let mut app = App::start().await;
    app.expected.refusals = vec![401];
    app.sim.revoke_tokens();
    let wrong = FaultKind::WrongAudience;
    app.sim.add_fault(Fault::on("entra.token", wrong).times(1));
    let posted = post(&app);
    let waiting = app.shut_in_read(&posted).await;
    assert_eq!(waiting.attempt, 0);
    assert!(waiting.reason.contains("credential"), "{}", waiting.reason);
    assert!(waiting.reason.contains("401"), "{}", waiting.reason);
    delivered(&app).await;
}

#[tokio::test]
async fn a_secret_that_was_replaced_stops_the_jobs_unharmed_until_it_is_configured() {
    let mut app = App::start().await;
    app.expected.refusals = vec![401];
    app.sim.rotate_secret("the-new-one");
    app.sim.revoke_tokens();
    let posted = post(&app);
    let waiting = app.shut_in_read(&posted).await;
    assert_eq!(waiting.attempt, 0);
    let secret = waiting.reason.contains("secret") && waiting.reason.contains("AADSTS7000215");
    assert!(secret, "{}", waiting.reason);
    assert!(!waiting.reason.contains("simulated-client-secret"));
    app.setting.client_secret = Some("the-new-one".to_owned());
    app.restart_worker().await;
    delivered(&app).await;
}
