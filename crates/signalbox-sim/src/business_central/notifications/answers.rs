//! What the answer to a notification does to the outbox and its subscriptions.
//!
//! 2xx acknowledges. No answer, 408, 429 and 5xx are tried again with the whole backlog;
//! one failure too many deletes the subscriptions. Any other answer drops the backlog and
//! deletes every subscription of that URL in that company at once.

use std::time::Instant;

use super::Parcel;
use crate::business_central::erp::{Erp, OutboxKey};
use crate::business_central::webhook_log::Happened;
use crate::state::Shared;

/// What an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Acknowledged,
    Retry,
    Rejected,
}

impl Answer {
    pub(super) fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Acknowledged,
            None | Some(408 | 429 | 500..=599) => Self::Retry,
            Some(_) => Self::Rejected,
        }
    }
}

/// Does to outbox and subscriptions what the status of the answer means for them.
pub(super) fn settle(shared: &Shared, key: &OutboxKey, parcel: &Parcel, status: Option<u16>) {
    let mut world = shared.world();
    let erp = &mut world.erp;
    // A reset may have come while the notification was out.
    let Some(outbox) = erp.outboxes.get_mut(key) else {
        return;
    };
    outbox.sending = false;
    let answer = Answer::of(status);
    if answer != Answer::Acknowledged {
        note(erp, key, Happened::Failed, status);
    }
    match answer {
        Answer::Acknowledged => acknowledge(erp, key, parcel),
        Answer::Retry if !parcel.counts => {}
        Answer::Retry => {
            if try_again(shared, erp, key) {
                note(erp, key, Happened::Counted, status);
            } else {
                note(erp, key, Happened::TooManyFailures, status);
                erp.deaths.given_up += delete_subscriptions(erp, key);
            }
        }
        Answer::Rejected => {
            note(erp, key, Happened::Invalid, status);
            erp.deaths.by_answer += delete_subscriptions(erp, key);
        }
    }
    shared.outbox.notify_one();
}

/// What was carried is no longer pending.
fn acknowledge(erp: &mut Erp, key: &OutboxKey, parcel: &Parcel) {
    if let Some(outbox) = erp.outboxes.get_mut(key) {
        (outbox.attempts, outbox.retry_due) = (0, None);
    }
    for (id, carried) in &parcel.carried {
        if let Some(subscription) = erp.subscriptions.get_mut(id) {
            let carried = (*carried).min(subscription.pending.len());
            subscription.pending.drain(..carried);
        }
    }
}

/// Plans the next attempt; false if there have been too many.
fn try_again(shared: &Shared, erp: &mut Erp, key: &OutboxKey) -> bool {
    let outbox = erp.outboxes.entry(key.clone()).or_default();
    let delay = shared.config.retry_delays.get(outbox.attempts).copied();
    outbox.attempts += 1;
    outbox.retry_due = delay.map(|delay| Instant::now() + shared.config.scaled(delay));
    delay.is_some()
}

/// Notes for every subscription of the URL in the company what happened to it.
fn note(erp: &mut Erp, (company, url): &OutboxKey, happened: Happened, status: Option<u16>) {
    let concerned = erp.subscriptions.values();
    for subscription in concerned.filter(|it| it.company == *company && it.url == *url) {
        erp.webhooks.log.note(happened, subscription, status.into());
    }
}

/// Deletes every subscription of the URL in the company, with its backlog.
fn delete_subscriptions(erp: &mut Erp, key: &OutboxKey) -> u64 {
    let before = erp.subscriptions.len();
    erp.subscriptions
        .retain(|_, other| other.company != key.0 || other.url != key.1);
    erp.outboxes.remove(key);
    (before - erp.subscriptions.len()) as u64
}
