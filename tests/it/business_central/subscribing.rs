//! The subscriptions of an environment as a whole: what is subscribed to, what polls instead, and what is none of ours.

use harness::{App, Setting};
use jiff::SignedDuration;
use signalbox_core::{SUBSCRIPTIONS, Subscription};
use signalbox_sim::{CompanySpec, SimHandle, Target};

use super::{delivered, notified, post};

/// Twelve companies, in an environment that allows ten subscriptions of which others have three.
fn crowded() -> Setting {
    let mut setting = Setting::default();
    let more = (1..12).map(|number| CompanySpec::named(format!("C{number:02}")));
    setting.cloud.companies.extend(more);
    setting.cloud.max_subscriptions = 10;
    setting.cloud.occupied_subscriptions = 3;
    setting.companies = Some("companies = \"all\"".to_owned());
    setting.erp.push_str("max_subscriptions = 10");
    setting
}

/// Two companies, both of which are followed.
fn two_companies() -> Setting {
    let mut setting = Setting::default();
    setting.cloud.companies.push(CompanySpec::named("Second"));
    setting.companies = Some("companies = \"all\"".to_owned());
    setting
}

/// What the app knows of its subscriptions, once `settled` of them live or poll instead.
async fn settled(app: &App, settled: usize) -> Vec<Subscription> {
    app.until("every set is subscribed to or polls", async || {
        let records = app.queue.register(SUBSCRIPTIONS).list().await.ok()?;
        let records: Vec<Subscription> = records.into_iter().map(|(_, record)| record).collect();
        let done = records
            .iter()
            .filter(|one| one.id.is_some() || one.polls_instead.is_some());
        (done.count() == settled).then_some(records)
    })
    .await
}

/// How many companies before the first one that polls, if no company lives behind it.
fn live(app: &App, records: &[Subscription]) -> usize {
    let companies = app.sim.config().companies.iter();
    let lives = |id| {
        let live = records.iter().find(|one| one.company == id);
        live.is_some_and(|one| one.id.is_some())
    };
    let lives: Vec<bool> = companies.map(|company| lives(company.id)).collect();
    let count = lives.iter().take_while(|lives| **lives).count();
    let behind = lives.iter().skip(count);
    assert!(behind.copied().all(|lives| !lives), "{lives:?}");
    count
}

/// How often the cloud was asked to make or delete a subscription.
fn changes(sim: &SimHandle) -> usize {
    let requests = sim.requests().into_iter();
    let changes = requests.filter(|one| {
        one.target == Target::BcSubscriptions && (one.method == "POST" || one.method == "DELETE")
    });
    changes.count()
}

/// Has a round made, and returns after it.
async fn round(app: &App) {
    let looks = |sim: &SimHandle| {
        let requests = sim.requests().into_iter();
        let looks =
            requests.filter(|one| one.target == Target::BcSubscriptions && one.method == "GET");
        looks.count()
    };
    let before = looks(&app.sim);
    let asked = app.command("subscriptions renew").await;
    assert!(asked.stdout.contains("looks after"), "{asked:?}");
    let looked = move |sim: &SimHandle| looks(sim) > before;
    assert!(app.sim.wait_until(looked, harness::PATIENCE).await);
    app.until_idle().await;
}

#[tokio::test]
async fn where_others_have_subscriptions_the_first_get_what_is_left_and_the_rest_polls() {
    let app = App::with(crowded()).await;
    let records = settled(&app, 12).await;
    assert_eq!(live(&app, &records), 7);
    let polling = records.iter().filter_map(|one| one.polls_instead.as_ref());
    assert!(
        polling
            .clone()
            .all(|one| one.reason.contains("are used up"))
    );
    assert_eq!(polling.count(), 5);
    let before = changes(&app.sim);
    for _ in 0..3 {
        round(&app).await;
    }
    assert_eq!(changes(&app.sim), before, "it is not settled");
    let counts = app.sim.webhook_counts();
    assert_eq!((counts.refused_by_limit, counts.others_deleted), (0, 0));
}

#[tokio::test]
async fn when_others_need_more_or_less_room_the_last_make_room_or_take_it() {
    let app = App::with(crowded()).await;
    settled(&app, 12).await;
    let until = async |count| {
        app.until("the room is taken or given back", async || {
            (app.sim.subscriptions().len() == count).then_some(())
        })
        .await;
        app.until_idle().await;
        assert_eq!(live(&app, &settled(&app, 12).await), count);
    };
    app.sim.occupy_subscriptions(1);
    round(&app).await;
    until(9).await;
    // More than fit: those with the lowest rank go.
    app.sim.occupy_subscriptions(6);
    round(&app).await;
    until(4).await;
    let counts = app.sim.webhook_counts();
    assert_eq!((counts.refused_by_limit, counts.others_deleted), (0, 0));
}

#[tokio::test]
async fn a_refusal_by_a_limit_that_is_not_seen_is_not_asked_for_again_soon() {
    let mut setting = crowded();
    setting.cloud.others_visible = false;
    let mut app = App::with(setting).await;
    app.expected.refusals = vec![400];
    let records = settled(&app, 12).await;
    // By our own count there is room for ten.
    let refused: Vec<_> = records
        .iter()
        .filter_map(|one| Some((one, one.last_failure.as_ref()?)))
        .collect();
    assert!(refused.len() >= 3, "{records:?}");
    for (record, failure) in refused {
        assert!(failure.cause.contains("maximum number"), "{record:?}");
        let polls = record.polls_instead.as_ref().unwrap();
        let pause = polls.again_at.unwrap().duration_since(failure.at);
        // An hour at the tests' scale.
        assert!(pause >= SignedDuration::from_secs(7), "{record:?}");
    }
}

#[tokio::test]
async fn a_set_that_the_environment_does_not_offer_polls_instead_and_is_listed_with_the_reason() {
    let app = App::without_worker(Setting::default(), |sim| {
        sim.withdraw_resource("v2.0/purchaseInvoices");
    });
    let mut app = app.await;
    app.start_worker();
    app.until_active().await;
    settled(&app, 1).await;
    assert_eq!(changes(&app.sim), 0);
    let listed = app.command("subscriptions list").await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let reason = "does not offer notifications of `v2.0/purchaseInvoices`";
    assert!(listed.stdout.contains(reason), "{listed:?}");
    assert!(listed.stdout.contains("CRONUS USA, Inc."), "{listed:?}");
}

#[tokio::test]
async fn after_a_loss_of_memory_ours_are_taken_over_or_deleted_and_those_of_others_stay() {
    let mut setting = two_companies();
    setting.cloud.occupied_subscriptions = 2;
    let mut app = App::with(setting).await;
    settled(&app, 2).await;
    app.kill_worker();
    app.redis.command("FLUSHALL");
    app.setting.companies = None;
    app.start_worker();
    let one_is_left = |sim: &SimHandle| sim.subscriptions().len() == 1;
    assert!(app.sim.wait_until(one_is_left, harness::PATIENCE).await);
    let records = settled(&app, 1).await;
    let held = app.sim.subscriptions();
    let known = records.iter().find_map(|one| one.id.clone());
    assert_eq!(held[0]["subscriptionId"], known.unwrap());
    assert_eq!(app.sim.webhook_counts().others_deleted, 0);
}

#[tokio::test]
async fn a_company_that_is_not_named_any_more_gives_its_subscription_back() {
    let mut app = App::with(two_companies()).await;
    settled(&app, 2).await;
    app.setting.companies = None;
    app.restart_worker().await;
    let given_back = |sim: &SimHandle| sim.subscriptions().len() == 1;
    assert!(app.sim.wait_until(given_back, harness::PATIENCE).await);
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn a_listing_says_when_a_notification_came() {
    let app = App::start().await;
    post(&app);
    notified(&app, 1).await;
    delivered(&app).await;
    let listed = app.command("subscriptions list --json").await;
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    for key in ["last_notified", "last_renewed", "expires_at"] {
        assert!(rows[0][key].is_string(), "{key}: {rows}");
    }
    assert_eq!(rows[0]["live"], true, "{rows}");
}
