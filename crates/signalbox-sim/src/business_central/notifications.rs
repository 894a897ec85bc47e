//! Sending notifications: one for each URL in each company, when its time has come.
//!
//! A job that sends first tidies up in its company, since nothing else ever deletes what
//! has expired. What goes wrong on request goes wrong here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use super::batches::{Element, elements};
use super::erp::{Erp, OutboxKey};
use super::webhook_log::{Happened, Reply};
use crate::clock;
use crate::recorder::SentNotification;
use crate::state::Shared;

mod answers;

use answers::{Answer, settle};

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
        let serviced = world.serviced();
        let outboxes = world.erp.outboxes.iter_mut();
        for (key, outbox) in outboxes.filter(|_| serviced.is_none()) {
            if outbox.due().is_some_and(|at| at <= now) {
                outbox.sending = true;
                due.push((place, key.clone()));
            }
        }
        let again = world.erp.next_due();
        let again = again.map(|at| serviced.map_or(at, |end| at.max(end)));
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
        settle(shared, &key, &parcel, Some(200));
        return shared.announce();
    }
    let mut status = send(shared, &key.1, &parcel).await;
    if Answer::of(status) == Answer::Acknowledged && doubles(shared, &parcel) {
        status = send(shared, &key.1, &parcel).await;
    }
    if Answer::of(status) == Answer::Acknowledged && comes_late(shared, &parcel) {
        status = None;
    }
    settle(shared, &key, &parcel, status);
    shared.announce();
}

/// Whether an acknowledged notification is sent again, which is counted.
fn doubles(shared: &Shared, parcel: &Parcel) -> bool {
    let webhooks = &mut shared.world().erp.webhooks;
    let doubled = webhooks.doubling.draw();
    if doubled {
        webhooks.counts.doubled += parcel.elements.len() as u64;
    }
    doubled
}

/// Whether an acknowledgement counts as given after the limit, which is counted.
fn comes_late(shared: &Shared, parcel: &Parcel) -> bool {
    let webhooks = &mut shared.world().erp.webhooks;
    let late = webhooks.late_answers > 0;
    if late {
        webhooks.late_answers -= 1;
        webhooks.counts.answered_late += parcel.elements.len() as u64;
    }
    late
}

/// Takes the backlog of an outbox, after the job has tidied up in its company.
fn pack(erp: &mut Erp, key: &OutboxKey, threshold: usize) -> Parcel {
    let (company, url) = key;
    tidy(erp, *company);
    let outbox = erp.outboxes.entry(key.clone()).or_default();
    outbox.fresh_due = None;
    let counts = outbox.retry_due.is_none_or(|due| due <= Instant::now());
    let mut parcel = Parcel {
        elements: Vec::new(),
        carried: Vec::new(),
        expectations: Vec::new(),
        counts,
    };
    for subscription in erp.subscriptions.values() {
        if subscription.company != *company || subscription.url != *url {
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

/// Deletes what has expired in a company and what is no longer offered, with its backlog;
/// nobody is told. As in reality this happens only when something is to be sent.
fn tidy(erp: &mut Erp, company: Uuid) {
    let now = clock::now();
    let (webhooks, deaths) = (&mut erp.webhooks, &mut erp.deaths);
    erp.subscriptions.retain(|_, subscription| {
        let expired = subscription.expires <= now;
        let happened = if expired {
            Happened::Expired
        } else {
            Happened::Obsolete
        };
        if subscription.company != company || !expired && webhooks.offers(&subscription.set) {
            return true;
        }
        if expired {
            let backlog = subscription.pending.len() + subscription.withheld.len();
            deaths.missed_while_expired += backlog as u64;
            webhooks.expired.insert((company, subscription.set.clone()));
        }
        webhooks.log.note(happened, subscription, Reply::Unasked);
        false
    });
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
