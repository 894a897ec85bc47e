//! The life of a subscription, with a listener that answers the handshake.

use signalbox_microsoft::{Errand, Error, NewSubscription, Renewal};
use signalbox_sim::DEFAULT_COMPANY_ID;

use super::{
    Rig,
    canned::{Canned, ok},
};

/// Answers every handshake with its token.
async fn listener() -> Canned {
    Canned::start(vec![Box::new(|head| {
        let (_, rest) = head.split_once("validationtoken=").unwrap();
        ok(rest.split([' ', '&']).next().unwrap())
    })])
    .await
}

fn wish(url: &str) -> NewSubscription {
    NewSubscription {
        notification_url: format!("{url}/hooks/business-central/erp/k1"),
        company: DEFAULT_COMPANY_ID,
        set: "purchaseInvoices".to_owned(),
        client_state: "state-1".to_owned().into(),
    }
}

#[tokio::test]
async fn a_subscription_is_made_listed_renewed_and_deleted() {
    let (rig, listener) = (Rig::start().await, listener().await);
    let client = rig.business_central();
    let (subscriptions, errand) = (client.subscriptions(), Errand::default());
    let made = subscriptions
        .create(&wish(&listener.url), errand)
        .await
        .unwrap();
    let listed = subscriptions.list(errand).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, made.id);
    let resource = signalbox_core::Resource::parse(&made.resource).unwrap();
    assert_eq!(resource.company, DEFAULT_COMPANY_ID);

    let state = "state-2".to_owned().into();
    let etag = made.etag.as_deref();
    let renewed = subscriptions
        .renew(&made.id, etag, Some(&state), errand)
        .await
        .unwrap();
    let Renewal::Renewed(renewed) = renewed else {
        panic!("it is gone");
    };
    assert!(renewed.expires_at >= made.expires_at);
    let sent = rig.sim.requests().into_iter();
    assert!(sent.last().unwrap().body.contains("state-2"));

    subscriptions.delete(&made.id, None, errand).await.unwrap();
    assert!(subscriptions.list(errand).await.unwrap().is_empty());
    subscriptions.delete(&made.id, None, errand).await.unwrap();
}

#[tokio::test]
async fn a_renewal_with_an_old_etag_is_a_conflict_and_one_without_goes_through() {
    let (rig, listener) = (Rig::start().await, listener().await);
    let client = rig.business_central();
    let (subscriptions, errand) = (client.subscriptions(), Errand::default());
    let made = subscriptions
        .create(&wish(&listener.url), errand)
        .await
        .unwrap();
    subscriptions
        .renew(&made.id, None, None, errand)
        .await
        .unwrap();
    let stale = subscriptions
        .renew(&made.id, made.etag.as_deref(), None, errand)
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
}

#[tokio::test]
async fn a_subscription_that_expired_is_gone() {
    let (rig, listener) = (Rig::start().await, listener().await);
    let client = rig.business_central();
    let (subscriptions, errand) = (client.subscriptions(), Errand::default());
    let made = subscriptions
        .create(&wish(&listener.url), errand)
        .await
        .unwrap();
    rig.sim.expire_subscriptions();
    let renewal = subscriptions
        .renew(&made.id, None, None, errand)
        .await
        .unwrap();
    assert_eq!(renewal, Renewal::Gone);
}

#[tokio::test]
async fn a_renewal_in_a_renamed_environment_is_an_error_and_not_gone() {
    let rig = Rig::start().await;
    let client = rig.environment("Renamed");
    let renewal = client
        .subscriptions()
        .renew("1", None, None, Errand::default())
        .await;
    assert!(renewal.unwrap_err().is_connection_fault());
}

#[tokio::test]
async fn a_url_that_does_not_answer_the_handshake_is_refused() {
    let rig = Rig::start().await;
    let silent = Canned::start(vec![Box::new(|_| ok("no token"))]).await;
    let client = rig.business_central();
    let made = client
        .subscriptions()
        .create(&wish(&silent.url), Errand::default())
        .await;
    assert!(matches!(made, Err(Error::Rejected { .. })), "{made:?}");
}
