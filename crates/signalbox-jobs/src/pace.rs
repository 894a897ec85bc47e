//! When the looks at a set come: often where nothing is notified, seldom where it is, and never all at once.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    CompanyAddress, JobError, JobId, SUBSCRIPTIONS, Subscription, next_in_pace, place_in,
};

use crate::{Context, Source, fault};

/// What the sweep of a night is spread over, so that not all sets are listed at once.
const NIGHT: Duration = Duration::from_secs(20 * 60);
/// A small time scale shall not make looks without a pause between them.
const LEAST_PACE: Duration = Duration::from_millis(200);

/// The sets that some live subscription tells of.
#[derive(Debug)]
pub(crate) struct Notified(BTreeSet<(CompanyAddress, String)>);

impl Notified {
    /// As the register says it now.
    pub(crate) async fn now(context: &Context) -> Result<Self, JobError> {
        let register = context.queue.register(SUBSCRIPTIONS);
        let all = register
            .list::<Subscription>()
            .await
            .map_err(fault::queue)?;
        let now = context.clock.now();
        let live = all
            .into_iter()
            .map(|(_, subscription)| subscription)
            .filter(|one| one.id.is_some() && one.expires_at.is_some_and(|at| at > now));
        Ok(Self(live.filter_map(|one| place(context, one)).collect()))
    }

    /// How often `set` of `company` is looked at, scaled.
    pub(crate) fn pace(
        &self,
        context: &Context,
        source: &Source,
        company: &CompanyAddress,
        set: &str,
    ) -> Duration {
        let is_notified = self.0.contains(&(company.clone(), set.to_owned()));
        let pace = if is_notified {
            source.polling.every
        } else {
            source.polling.alone
        };
        context.scaled(pace).max(LEAST_PACE)
    }
}

/// What a subscription is for. One of an older release is for the connection's first environment.
fn place(context: &Context, subscription: Subscription) -> Option<(CompanyAddress, String)> {
    let named = subscription.environment.as_deref();
    let source = context.sources.get(&subscription.connection, named)?;
    Some((source.address(subscription.company), subscription.set))
}

/// The id of the work that polls `set` of `company`.
pub(crate) fn poll_id(company: &CompanyAddress, set: &str) -> JobId {
    JobId::catch_up(company, set, "poll")
}

/// The id of the work that compares the ids of `set` of `company`.
pub(crate) fn sweep_id(company: &CompanyAddress, set: &str) -> JobId {
    JobId::catch_up(company, set, "sweep")
}

/// When the poll `id` comes next.
pub(crate) fn next_poll(context: &Context, id: &JobId, pace: Duration) -> Timestamp {
    next_in_pace(id, pace, context.clock.now())
}

/// When the sweep `id` comes next; in a day if the calendar ends before.
pub(crate) fn next_sweep(context: &Context, source: &Source, id: &JobId) -> Timestamp {
    let now = context.clock.now();
    let place = place_in(id, context.scaled(NIGHT));
    let place = SignedDuration::try_from(place).unwrap_or_default();
    let polling = &source.polling;
    let night = polling.sweep.next_after(
        now.saturating_sub(place).unwrap_or(now),
        &polling.sweep_zone,
    );
    let next = night.and_then(|night| night.checked_add(place).ok());
    next.unwrap_or_else(|| {
        now.saturating_add(SignedDuration::from_hours(24))
            .unwrap_or(Timestamp::MAX)
    })
}
