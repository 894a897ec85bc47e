//! Sending notifications, and what the answers do to subscriptions.
//!
//! 2xx acknowledges. No answer, 408, 429 and 5xx are tried again with the whole backlog;
//! one failure too many deletes the subscriptions. Any other answer drops the backlog and
//! deletes every subscription of that URL in that company at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use super::batches::{Element, elements};
use super::erp::{Erp, OutboxKey};
use crate::clock;
use crate::recorder::SentNotification;
use crate::state::Shared;

/// Elements of a notification that the record keeps.
const RECORDED: usize = 100;

/// A notification about to be sent, with what it acknowledges if it succeeds.
#[derive(Debug)]
struct Parcel {
    elements: Vec<Element>,
    /// How many pending changes of each subscription it carries.
    carried: Vec<(String, usize)>,
    expectations: Vec<usize>,
    /// Whether a failure counts: a retry that fresh news brought forward does not.
    counts: bool,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Acknowledged,
    Retry,
    Rejected,
}

impl Answer {
    fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Acknowledged,
            None | Some(408 | 429 | 500..=599) => Self::Retry,
            Some(_) => Self::Rejected,
        }
    }
}

/// Sends what is due until the simulator stops; one notification per outbox at a time.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let (due, next) = take_due(&shared);
        for (place, key) in due {
            let sender = shared.at(place);
            shared.tasks.spawn(async move {
                tokio::select! {
                    () = deliver(&sender, key) => {}
                    () = sender.stop.cancelled() => {}
                }
            });
        }
        let wait = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.outbox.notified() => {}
            () = wait => {}
        }
    }
}

/// Marks what is due as being sent; says when to look again. While the simulator is away
/// nothing is due, and an environment that is serviced sends nothing before its end.
fn take_due(shared: &Shared) -> (Vec<(usize, OutboxKey)>, Option<Instant>) {
    if !shared.door.is_open() {
        return (Vec::new(), None);
    }
    let mut world = shared.world();
    let now = Instant::now();
    let (mut due, mut next) = (Vec::new(), None::<Instant>);
    for place in 0..world.environments.count() {
        world.seat(place);
        let mut again = world.erp.next_due();
        if let Some(end) = world.serviced() {
            again = again.map(|at| at.max(end));
        } else {
            for (key, outbox) in &mut world.erp.outboxes {
                if outbox.due().is_some_and(|at| at <= now) {
                    outbox.sending = true;
                    due.push((place, key.clone()));
                }
            }
            again = world.erp.next_due();
        }
        next = next.into_iter().chain(again).min();
    }
    (due, next)
}

async fn deliver(shared: &Shared, key: OutboxKey) {
    let parcel = pack(
        &mut shared.world().erp,
        &key,
        shared.config.collection_threshold,
    );
    if parcel.elements.is_empty() {
        settle(shared, &key, &parcel, Answer::Acknowledged);
        return;
    }
    let status = send(shared, &key.1, &parcel).await;
    settle(shared, &key, &parcel, Answer::of(status));
    shared.announce();
}

/// Takes the backlog of an outbox; expired subscriptions and their backlog go in silence.
fn pack(erp: &mut Erp, key: &OutboxKey, threshold: usize) -> Parcel {
    let (company, url) = key;
    let now = clock::now();
    let outbox = erp.outboxes.entry(key.clone()).or_default();
    outbox.fresh_due = None;
    let counts = outbox.retry_due.is_none_or(|due| due <= Instant::now());
    let mut parcel = Parcel {
        elements: Vec::new(),
        carried: Vec::new(),
        expectations: Vec::new(),
        counts,
    };
    for subscription in erp.subscriptions.values_mut() {
        if subscription.company != *company || subscription.url != *url {
            continue;
        }
        if subscription.expires <= now {
            erp.deaths.missed_while_expired += subscription.pending.len() as u64;
            subscription.pending.clear();
            continue;
        }
        let pending = &subscription.pending;
        parcel
            .carried
            .push((subscription.id.clone(), pending.len()));
        parcel
            .expectations
            .extend(pending.iter().filter_map(|change| change.expectation));
        if !pending.is_empty() {
            parcel.elements.extend(elements(subscription, threshold));
        }
    }
    parcel
}

async fn send(shared: &Shared, url: &str, parcel: &Parcel) -> Option<u16> {
    #[derive(Serialize)]
    struct Body<'a> {
        value: &'a [Element],
    }
    let body = serde_json::to_vec(&Body {
        value: &parcel.elements,
    })
    .expect("elements have no keys that are not text");
    let timeout = shared
        .config
        .scaled(shared.config.notification_timeout)
        .max(Duration::from_secs(2));
    let id = Uuid::new_v4().to_string();
    let request = shared
        .http
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("clientRequestId", &id)
        .header("x-ms-correlation-id", &id)
        .timeout(timeout)
        .body(body);
    let at = clock::now();
    // The clock of every latency starts here.
    shared
        .world()
        .oracle
        .notified(&parcel.expectations, Instant::now());
    let status = match request.send().await {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                url,
                "notification unanswered"
            );
            None
        }
    };
    let shown = parcel.elements.iter().take(RECORDED);
    shared.recorder.notification(SentNotification {
        at,
        url: url.to_owned(),
        value: shown
            .filter_map(|element| serde_json::to_value(element).ok())
            .collect(),
        elements: parcel.elements.len(),
        status,
    });
    status
}

fn settle(shared: &Shared, key: &OutboxKey, parcel: &Parcel, answer: Answer) {
    let mut world = shared.world();
    let erp = &mut world.erp;
    // A reset may have come while the notification was out.
    let Some(outbox) = erp.outboxes.get_mut(key) else {
        return;
    };
    outbox.sending = false;
    let delays = &shared.config.retry_delays;
    match answer {
        Answer::Acknowledged => {
            (outbox.attempts, outbox.retry_due) = (0, None);
            for (id, carried) in &parcel.carried {
                if let Some(subscription) = erp.subscriptions.get_mut(id) {
                    let carried = (*carried).min(subscription.pending.len());
                    subscription.pending.drain(..carried);
                }
            }
        }
        Answer::Retry if !parcel.counts => {}
        Answer::Retry => {
            let delay = delays.get(outbox.attempts).copied();
            outbox.attempts += 1;
            match delay {
                Some(delay) => {
                    outbox.retry_due = Some(Instant::now() + shared.config.scaled(delay));
                }
                None => erp.deaths.given_up += delete_subscriptions(erp, key),
            }
        }
        Answer::Rejected => erp.deaths.by_answer += delete_subscriptions(erp, key),
    }
    shared.outbox.notify_one();
}

/// Deletes every subscription of the URL in the company, with its backlog.
fn delete_subscriptions(erp: &mut Erp, key: &OutboxKey) -> u64 {
    let before = erp.subscriptions.len();
    erp.subscriptions
        .retain(|_, other| other.company != key.0 || other.url != key.1);
    erp.outboxes.remove(key);
    (before - erp.subscriptions.len()) as u64
}
