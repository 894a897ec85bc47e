//! When the last notification of a subscription came, for those who wonder whether it still works.
//!
//! Noted about once in a minute and not for every notification, so that it costs nothing; and if Redis does not take
//! it at once, it is left out.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{SUBSCRIPTIONS, Subscription};

use super::Known;
use crate::IngressOptions;

/// What was noted within this time is good enough.
const SPACING: SignedDuration = SignedDuration::from_mins(1);
/// The answer to a notification waits for so long and no longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Notes that a genuine notification came now.
pub(crate) async fn note(options: &IngressOptions, known: &Known<'_>, is_genuine: bool) {
    let now = options.clock.now();
    if !is_genuine || !is_due(known.subscription.last_notified, now) {
        return;
    }
    let Subscription {
        connection, key, ..
    } = &known.subscription;
    let name = Subscription::name(connection, key);
    let register = options.queue.register(SUBSCRIPTIONS);
    let noting = register.update(&name, |stored: Option<Subscription>| {
        let mut stored = stored?;
        if is_due(stored.last_notified, now) {
            stored.last_notified = Some(now);
        }
        Some(stored)
    });
    match tokio::time::timeout(PATIENCE, noting).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(
            error = &error as &dyn std::error::Error,
            "it was not noted that a notification came"
        ),
        Err(_) => tracing::debug!("it was not noted in time that a notification came"),
    }
}

fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| now.duration_since(last) >= SPACING)
}
