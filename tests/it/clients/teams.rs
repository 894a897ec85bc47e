//! Finding channels, posting cards and looking back for them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_core::{Clock, EffectKey, Marker, MarkerScanner, SystemClock};
use signalbox_microsoft::{Errand, Error, Receipt, look_back};
use signalbox_sim::{Fault, FaultKind, SimConfig, Target, TeamSpec};

use super::{Rig, addressee};

fn marker(name: &str) -> Marker {
    Marker::of(&EffectKey::from_stored(name))
}

fn card(marker: Marker) -> Value {
    json!({"type": "AdaptiveCard", "version": "1.4",
        "body": [{"type": "TextBlock", "text": "PPI-1", "id": marker.to_string()}]})
}

async fn post(rig: &Rig, marker: Marker) -> Result<Receipt, Error> {
    let target = rig.approvals().await;
    let bot = rig.bot();
    bot.post_card(&target, &card(marker), "PPI-1", Errand::default())
        .await
}

/// Looks back until `enough`, because posts become visible late.
async fn look(rig: &Rig, wanted: Marker, enough: fn(&MarkerScanner) -> bool) -> MarkerScanner {
    let since: Timestamp = SystemClock.now() - SignedDuration::from_mins(1);
    let target = rig.approvals().await;
    for _ in 0..400 {
        let found = look_back(&rig.graph(), &target, wanted, since, Errand::default()).await;
        let found = found.unwrap();
        if enough(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{wanted} was never seen as expected");
}

async fn unlimited(teams: Vec<TeamSpec>) -> Rig {
    let mut config = SimConfig::at_scale(0.001);
    config.limits = false;
    config.teams.extend(teams);
    Rig::start_with(config, "").await
}

#[tokio::test]
async fn a_channel_is_found_by_names_once_and_again_after_it_was_forgotten() {
    let rig = Rig::start().await;
    let resolver = rig.resolver();
    let to = addressee("Finance", "Approvals");
    let target = resolver.resolve(&to, Errand::default()).await.unwrap();
    assert_eq!(
        resolver.resolve(&to, Errand::default()).await.unwrap(),
        target
    );
    assert_eq!(rig.asked(Target::GraphTeams), 1);
    resolver.forget(&target);
    assert_eq!(
        resolver.resolve(&to, Errand::default()).await.unwrap(),
        target
    );
    assert_eq!(rig.asked(Target::GraphTeams), 2);
}

#[tokio::test]
async fn ids_are_taken_as_they_are_without_asking() {
    let rig = Rig::start().await;
    let target = rig.approvals().await;
    let before = rig.sim.request_count();
    let to = addressee(&target.team_id, &target.channel_id);
    let resolved = rig
        .resolver()
        .resolve(&to, Errand::default())
        .await
        .unwrap();
    assert_eq!(resolved, target);
    assert_eq!(rig.sim.request_count(), before);
}

#[tokio::test]
async fn a_channel_that_is_not_there_yet_is_found_once_it_is() {
    let rig = Rig::start().await;
    let (resolver, to) = (rig.resolver(), addressee("Finance", "Later"));
    let error = resolver.resolve(&to, Errand::default()).await.unwrap_err();
    assert!(
        error.to_string().contains("`General`, `Approvals`"),
        "{error}"
    );
    rig.sim.create_channel("Finance", "Later");
    resolver.resolve(&to, Errand::default()).await.unwrap();
}

#[tokio::test]
async fn names_that_fit_no_team_or_two_are_refused_with_what_exists() {
    let mut twin = TeamSpec::named("Twin").with_channel("General");
    twin.id = uuid::Uuid::nil();
    let rig = unlimited(vec![twin, TeamSpec::named("Twin")]).await;
    let resolver = rig.resolver();
    let to = addressee("Twin", "General");
    let error = resolver.resolve(&to, Errand::default()).await.unwrap_err();
    assert!(matches!(&error, Error::AmbiguousName { candidates, .. } if candidates.len() == 2));
    let to = addressee("O'Hara & Sons", "General");
    let error = resolver.resolve(&to, Errand::default()).await.unwrap_err();
    assert!(error.to_string().contains("`Finance`"), "{error}");
}

#[tokio::test]
async fn a_card_is_posted_once_and_receipted() {
    let rig = Rig::start().await;
    let receipt = post(&rig, marker("post/a")).await.unwrap();
    let effects = rig.sim.effects();
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].channel_name, "Approvals");
    assert_eq!(effects[0].message_id, receipt.activity_id);
    assert_eq!(effects[0].text, None);
    assert!(receipt.conversation_id.ends_with(&receipt.activity_id));
}

#[tokio::test]
async fn a_missing_bot_is_the_connections_fault_and_says_install() {
    let rig = Rig::start().await;
    rig.sim.set_bot_installed("Finance", false);
    let error = post(&rig, marker("post/a")).await.unwrap_err();
    assert_eq!(error.code(), Some("BotNotInConversationRoster"));
    assert!(error.is_connection_fault() && error.next_step().contains("install"));
    assert!(error.proves_nothing_was_done());
}

#[tokio::test]
async fn a_card_that_is_too_large_is_never_sent() {
    let rig = Rig::start().await;
    let target = rig.approvals().await;
    let card = json!({"type": "AdaptiveCard", "text": "x".repeat(25_000)});
    let posted = rig
        .bot()
        .post_card(&target, &card, "", Errand::default())
        .await;
    assert!(matches!(
        posted,
        Err(Error::CardTooLarge { limit: 24_576, .. })
    ));
    assert_eq!(rig.asked(Target::BotPost), 0);
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_found_by_looking_back() {
    let rig = unlimited(Vec::new()).await;
    let wanted = marker("post/lost");
    let lost = FaultKind::ResetAfterCommit;
    rig.sim.add_fault(Fault::on("bot.post", lost).times(1));
    let error = post(&rig, wanted).await.unwrap_err();
    assert!(!error.proves_nothing_was_done(), "{error}");
    assert!(look(&rig, wanted, |seen| seen.found).await.any_of_ours);
}

#[tokio::test]
async fn a_post_that_never_arrived_is_not_found_among_others_of_ours() {
    let rig = unlimited(Vec::new()).await;
    post(&rig, marker("post/other")).await.unwrap();
    let never = FaultKind::Reset;
    rig.sim.add_fault(Fault::on("bot.post", never).times(1));
    let wanted = marker("post/never");
    post(&rig, wanted).await.unwrap_err();
    assert!(!look(&rig, wanted, |seen| seen.any_of_ours).await.found);
}

#[tokio::test]
async fn a_look_back_goes_through_as_many_pages_as_it_needs() {
    let rig = unlimited(Vec::new()).await;
    let wanted = marker("post/first");
    post(&rig, wanted).await.unwrap();
    for number in 0..60 {
        post(&rig, marker(&format!("post/{number}"))).await.unwrap();
    }
    // Until the last one is seen, the first may still be on the first page.
    look(&rig, marker("post/59"), |seen| seen.found).await;
    look(&rig, wanted, |seen| seen.found).await;
    let queries = rig.sim.requests().into_iter().map(|request| request.query);
    assert!(queries.into_iter().any(|query| query.contains("skiptoken")));
}
