//! The Business Central hook: from a POST of notifications to durable jobs, one durability wait for all of them.
//!
//! What cannot be read, is too large, or does not carry a valid clientState enqueues a catch-up of the subscription
//! and is answered 200: whatever it was, the record's change is found by looking, and nothing is deleted.

mod durable;
mod jobs;
mod notification;
mod notified;
mod verify;

use signalbox_core::{CompanyAddress, ConnectionName, LaneChain, SUBSCRIPTIONS, Subscription};

use crate::{BusinessCentralSource, IngressOptions, answer::Answer};
use durable::Durable;
use notification::Notification;

/// A subscription and where it belongs.
pub(crate) struct Known<'a> {
    pub(crate) environment: &'a str,
    pub(crate) lanes: &'a LaneChain,
    pub(crate) subscription: Subscription,
}

impl<'a> Known<'a> {
    /// None if the subscription's environment is not configured.
    fn new(source: &'a BusinessCentralSource, subscription: Subscription) -> Option<Self> {
        let named = subscription.environment.as_deref();
        let environment = named.unwrap_or(&source.first_environment);
        let (environment, lanes) = source.environments.get_key_value(environment)?;
        Some(Self {
            environment,
            lanes,
            subscription,
        })
    }

    /// The company that the subscription is of.
    pub(crate) fn company(&self) -> CompanyAddress {
        CompanyAddress {
            connection: self.subscription.connection.clone(),
            environment: self.environment.to_owned(),
            company: self.subscription.company,
        }
    }
}

/// Takes one POST. `rest` is the path below the hook, `body` is `None` if it was too large.
pub(crate) async fn take(options: &IngressOptions, rest: &str, body: Option<Vec<u8>>) -> Answer {
    let (connection, key) = rest.split_once('/').unwrap_or((rest, ""));
    let configured = ConnectionName::new(connection)
        .ok()
        .and_then(|name| options.business_central.get_key_value(&name));
    let Some((connection, source)) = configured else {
        // Perhaps the configuration is being rolled out; the sender tries for hours.
        tracing::error!(
            connection.name = connection,
            "a notification came for a connection that is not configured; add it, or remove the subscription"
        );
        return Answer::Later;
    };
    let durable = Durable::new(options);
    let name = Subscription::name(connection, key);
    let subscriptions = options.queue.register(SUBSCRIPTIONS);
    let known = durable.attempt(|| subscriptions.get(&name)).await;
    match known {
        Err(answer) => answer,
        Ok(None) => refuse_unknown(&durable, &name, body).await,
        Ok(Some(subscription)) => {
            let Some(known) = Known::new(source, subscription) else {
                tracing::error!(
                    subscription.name = name,
                    "a notification came for an environment that is not configured; add it, or remove the subscription"
                );
                return Answer::Later;
            };
            take_known(&durable, &known, body).await
        }
    }
}

async fn refuse_unknown(durable: &Durable<'_>, name: &str, body: Option<Vec<u8>>) -> Answer {
    tracing::warn!(
        subscription.name = name,
        "a notification came for a subscription that is not ours; it is counted and dropped"
    );
    let sample = body.unwrap_or_default();
    durable.sample("unknown-subscription", &sample).await
}

async fn take_known(durable: &Durable<'_>, known: &Known<'_>, body: Option<Vec<u8>>) -> Answer {
    let Some(body) = body else {
        return catch_up(durable, known, "oversize", b"").await;
    };
    let notifications = match notification::read(&body) {
        Ok(notifications) => notifications,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                subscription.key = known.subscription.key,
                "unreadable notification"
            );
            return catch_up(durable, known, "unreadable", &body).await;
        }
    };
    let (mut genuine, unproven): (Vec<Notification>, Vec<Notification>) = notifications
        .into_iter()
        .partition(|notification| verify::is_genuine(&known.subscription, notification));
    learn_id(durable, known, &genuine).await;
    let forged = match sort_out(durable, known, unproven, &mut genuine).await {
        Ok(forged) => forged,
        Err(later) => return later,
    };
    if !forged.is_empty() {
        tracing::warn!(
            subscription.key = known.subscription.key,
            count = forged.len(),
            "notifications with a wrong clientState were dropped"
        );
    }
    let mut batch = jobs::of(durable.options, known, &genuine);
    if !forged.is_empty() || batch.unreadable > 0 {
        batch.jobs.extend(jobs::catch_up(durable.options, known));
        let answer = durable.sample("unverified", &body).await;
        if answer != Answer::Taken {
            return answer;
        }
    }
    let noted = notified::note(durable.options, known, !genuine.is_empty());
    let (answer, ()) = tokio::join!(durable.enqueue(batch.jobs), noted);
    if answer == Answer::Taken {
        for step in batch.steps {
            durable.options.trail.tell(step);
        }
    }
    answer
}

/// One POST carries the news of all subscriptions that share its URL (facts, Business Central §2.5). What another
/// subscription of the same connection proves joins `genuine`; the rest is returned.
async fn sort_out(
    durable: &Durable<'_>,
    known: &Known<'_>,
    unproven: Vec<Notification>,
    genuine: &mut Vec<Notification>,
) -> Result<Vec<Notification>, Answer> {
    if unproven.is_empty() {
        return Ok(unproven);
    }
    let register = durable.options.queue.register(SUBSCRIPTIONS);
    let all: Vec<(String, Subscription)> = durable.attempt(|| register.list()).await?;
    let connection = &known.subscription.connection;
    let siblings: Vec<Subscription> = all
        .into_iter()
        .map(|(_, subscription)| subscription)
        .filter(|subscription| subscription.connection == *connection)
        .collect();
    let (proven, forged) = unproven.into_iter().partition(|notification| {
        siblings
            .iter()
            .any(|sibling| verify::is_genuine(sibling, notification))
    });
    genuine.extend::<Vec<_>>(proven);
    Ok(forged)
}

async fn catch_up(durable: &Durable<'_>, known: &Known<'_>, what: &str, body: &[u8]) -> Answer {
    match durable.sample(what, body).await {
        Answer::Taken => {
            durable
                .enqueue(jobs::catch_up(durable.options, known))
                .await
        }
        later => later,
    }
}

/// A notification can be faster than the answer that names the subscription. Its clientState proves that it is ours.
async fn learn_id(durable: &Durable<'_>, known: &Known<'_>, genuine: &[Notification]) {
    let id = genuine
        .iter()
        .find_map(|notification| notification.subscription_id.clone());
    let (None, Some(id)) = (&known.subscription.id, id) else {
        return;
    };
    let name = Subscription::name(&known.subscription.connection, &known.subscription.key);
    let learn = |old: Option<Subscription>| {
        let mut subscription = old?;
        subscription.id.get_or_insert_with(|| id.clone());
        Some(subscription)
    };
    let register = durable.options.queue.register(SUBSCRIPTIONS);
    if let Err(error) = register.update(&name, learn).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the subscription's id was not noted; the next notification brings it again"
        );
    }
}
