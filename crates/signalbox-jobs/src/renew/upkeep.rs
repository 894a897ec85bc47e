//! The subscriptions of one environment, looked at as a whole: listed once, planned, and changed a few at a time.
//!
//! A failure is noted on its own subscription and stops no other one. A closed gate and a fault of the connection are
//! in the way of all: what is under way ends, and the round is an error. A round makes so many changes and no more;
//! the next one, which comes at once, goes on.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use signalbox_core::{Decision, JobError, PollsInstead, Subscription, SubscriptionFailure};
use signalbox_microsoft::Error;
use url::Url;

use super::{
    Round,
    companies::Followed,
    plan::{Plan, Times, View, plan},
};
use crate::fault::{self, Meaning, advised, meaning};

/// Changes of one round. Each may take as long as a request may.
const MOST_CHANGES: usize = 50;
/// Requests at once. The environment works on five of everybody's.
const AT_ONCE: usize = 4;

/// A look at all subscriptions.
pub(super) struct Upkeep<'a> {
    pub(super) round: &'a Round<'a>,
    /// What our own addresses begin with; the key follows.
    pub(super) hook: String,
    followed: &'a Followed,
    times: Times,
    /// Whether some subscription works, so that our address is not to blame where one is refused.
    works: AtomicBool,
}

impl<'a> Upkeep<'a> {
    pub(super) fn new(round: &'a Round<'a>, followed: &'a Followed, public_url: &Url) -> Self {
        let base = public_url.as_str().trim_end_matches('/');
        let connection = &round.source.connection;
        Self {
            round,
            hook: format!("{base}/hooks/business-central/{connection}/"),
            followed,
            times: round.times(),
            works: AtomicBool::new(false),
        }
    }

    /// Does what is due; returns what came of it and when something is due next.
    pub(super) async fn run(&self) -> Result<(String, Option<Timestamp>), JobError> {
        let round = self.round;
        let (wishes, listed) = round.wishes(&self.followed.addresses).await?;
        let (records, keys) = round.records().await?;
        let routes = &round.context.routes;
        let connection = &round.source.connection;
        let dismissed = |record: &Subscription| {
            routes.listening(connection, &record.set).next().is_none()
                || self.followed.dismissed.contains(&record.company)
        };
        let plan = plan(&View {
            wishes: &wishes,
            records,
            keys,
            listed,
            dismissed: &dismissed,
            hook: &self.hook,
            most: round.source.max_subscriptions,
            now: round.context.clock.now(),
            times: self.times,
        });
        self.carry_out(&plan).await
    }

    async fn carry_out(&self, plan: &Plan) -> Result<(String, Option<Timestamp>), JobError> {
        self.tell_if_all_are_gone(plan);
        self.note(plan).await?;
        let mut left = MOST_CHANGES;
        let deletions = plan.delete.iter().take(left);
        left -= deletions.len();
        let deleted = self.at_once(deletions.map(|one| self.delete(one))).await?;
        let deleted = deleted.into_iter().filter(|deleted| *deleted).count();
        let renewals = plan.renew.iter().take(left);
        left -= renewals.len();
        self.at_once(renewals.map(|one| self.renew(one))).await?;
        // What could not be deleted still takes its place.
        let staying = plan.staying + plan.delete.len() - deleted;
        let room = self.round.source.max_subscriptions.saturating_sub(staying);
        let creations = plan.create.iter().take(left.min(room));
        self.at_once(creations.map(|(record, api)| self.create(record, api)))
            .await?;
        let (records, _) = self.round.records().await?;
        let now = self.round.context.clock.now();
        let live = records.iter().filter(|one| one.is_live(now)).count();
        let polling = records.iter().filter(|one| one.polls_instead.is_some());
        let note = format!(
            "{live} subscriptions are alive, {} sets poll instead",
            polling.count()
        );
        let undeleted = plan.delete.len() > deleted;
        let undeleted = undeleted.then(|| self.times.after_a_failure(now));
        let more = (plan.changes() > MOST_CHANGES).then_some(now);
        let due = self.due(plan, &records, room);
        Ok((
            note,
            due.chain(undeleted).chain(more).chain(plan.next).min(),
        ))
    }

    /// When those that were to be changed are due next, which their records tell now.
    fn due<'r>(
        &self,
        plan: &'r Plan,
        records: &'r [Subscription],
        room: usize,
    ) -> impl Iterator<Item = Timestamp> {
        let renewed = plan.renew.iter().map(|one| &one.record.key);
        let created = plan.create.iter().take(room).map(|(one, _)| &one.key);
        let keys: BTreeSet<&String> = renewed.chain(created).collect();
        let now = self.round.context.clock.now();
        let times = self.times;
        let changed = records.iter().filter(move |one| keys.contains(&one.key));
        changed.map(move |record| times.next(record, now))
    }

    /// Runs a few of `all` at once. After an error no more are begun, and what is under way ends.
    async fn at_once<T, F>(&self, all: impl Iterator<Item = F>) -> Result<Vec<T>, JobError>
    where
        F: Future<Output = Result<T, JobError>>,
    {
        let stopped = &AtomicBool::new(false);
        let guarded: Vec<_> = all
            .map(|one| async move {
                if stopped.load(Ordering::Relaxed) {
                    return None;
                }
                let done = one.await;
                stopped.fetch_or(done.is_err(), Ordering::Relaxed);
                Some(done)
            })
            .collect();
        let done: Vec<_> = stream::iter(guarded)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        done.into_iter().flatten().collect()
    }

    fn tell_if_all_are_gone(&self, plan: &Plan) {
        if plan.all_gone > 1 {
            tracing::error!(
                environment.name = self.round.source.environment,
                count = plan.all_gone,
                "all subscriptions of the environment are gone at once: it was probably copied or restored; they are \
                 made anew, and what they missed is caught up with"
            );
        }
    }

    /// What needs no request.
    async fn note(&self, plan: &Plan) -> Result<(), JobError> {
        for record in &plan.forget {
            self.round.forget(Some(&record.key)).await?;
        }
        for (record, listed) in &plan.young {
            self.works();
            let known = &listed.subscription;
            let settle = |stored: &mut Subscription| {
                stored.id = Some(known.id.clone());
                stored.expires_at = Some(known.expires_at);
                stored.polls_instead = None;
            };
            self.round.change(record, settle).await?;
        }
        for (record, reason) in &plan.poll {
            if let Some(reason) = reason {
                self.poll_instead(record, reason, None).await?;
            }
        }
        Ok(())
    }

    /// A subscription of ours works.
    pub(super) fn works(&self) {
        self.works.store(true, Ordering::Relaxed);
    }

    /// The source does not want the subscription, and would not want it in a minute either.
    pub(super) async fn refused(
        &self,
        record: &Subscription,
        error: Error,
    ) -> Result<(), JobError> {
        let now = self.round.context.clock.now();
        let cause = JobError::retry(advised(error)).chain();
        let works = self.works.load(Ordering::Relaxed);
        let again_at = self.times.after_refusal(record, works, now);
        self.note_failure(record, &cause).await?;
        let reason = format!("Business Central refused the subscription: {cause}");
        self.poll_instead(record, &reason, Some(again_at)).await
    }

    /// The attempt came to nothing.
    pub(super) async fn failed(&self, record: &Subscription, error: Error) -> Result<(), JobError> {
        let cause = self.cause(error).await?;
        self.note_failure(record, &cause).await
    }

    /// What is to be said of `error`, unless it is in the way of every other request as well.
    pub(super) async fn cause(&self, error: Error) -> Result<String, JobError> {
        let of_all = matches!(
            meaning(&error),
            Meaning::Held | Meaning::Throttled | Meaning::Connection | Meaning::Transient
        );
        let of_one = matches!(error, Error::Forbidden { .. })
            || error.code() == Some("Internal_CompanyNotFound");
        if !of_all || of_one {
            return Ok(JobError::retry(advised(error)).chain());
        }
        let error = self.round.way.fault(error).await;
        match error.decision() {
            Decision::Snooze(_) => Err(error),
            _ => Ok(error.chain()),
        }
    }

    async fn note_failure(&self, record: &Subscription, cause: &str) -> Result<(), JobError> {
        let at = self.round.context.clock.now();
        tracing::warn!(
            environment.name = self.round.source.environment,
            entity = record.set,
            company.id = %record.company,
            cause,
            "a subscription could not be kept alive"
        );
        let note = |stored: &mut Subscription| {
            let cause = cause.to_owned();
            stored.last_failure = Some(SubscriptionFailure { at, cause });
        };
        self.round.change(record, note).await
    }

    /// Has the set of `record` looked at again and again. Told once, until the reason is another one.
    async fn poll_instead(
        &self,
        record: &Subscription,
        reason: &str,
        again_at: Option<Timestamp>,
    ) -> Result<(), JobError> {
        let old = record.polls_instead.as_ref();
        let refused_again = again_at.and(old.and_then(|old| old.again_at)).is_some();
        let known = old.filter(|old| old.reason == reason || refused_again);
        let now = self.round.context.clock.now();
        let polls = PollsInstead {
            since: known.map_or(now, |old| old.since),
            reason: reason.to_owned(),
            again_at: again_at.or_else(|| old.and_then(|old| old.again_at)),
        };
        if old == Some(&polls) && record.id.is_none() {
            return Ok(());
        }
        if known.is_none() {
            tracing::info!(
                environment.name = self.round.source.environment,
                entity = record.set,
                company.id = %record.company,
                company.name = self.followed.names.get(&record.company),
                reason,
                "an entity is polled instead of subscribed to"
            );
        }
        let note = |stored: &mut Subscription| {
            stored.id = None;
            stored.expires_at = None;
            stored.polls_instead = Some(polls.clone());
        };
        self.round.change(record, note).await
    }
}

impl Round<'_> {
    /// Stores a change of `record`, which is entered if it is not there.
    pub(super) async fn change(
        &self,
        record: &Subscription,
        change: impl Fn(&mut Subscription),
    ) -> Result<(), JobError> {
        let name = Subscription::name(&record.connection, &record.key);
        let changed = self.register.update(&name, |stored: Option<Subscription>| {
            let mut stored = stored.unwrap_or_else(|| record.clone());
            change(&mut stored);
            Some(stored)
        });
        changed.await.map(drop).map_err(fault::queue)
    }

    /// Removes the record with this key, if one is meant.
    pub(super) async fn forget(&self, key: Option<&str>) -> Result<(), JobError> {
        let Some(key) = key else {
            return Ok(());
        };
        let name = Subscription::name(&self.source.connection, key);
        let forgotten = self.register.update(&name, |_: Option<Subscription>| None);
        forgotten.await.map(drop).map_err(fault::queue)
    }
}
