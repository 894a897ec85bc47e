//! `renew`: keeps the subscription to one entity set alive for ever, one round after the other.
//!
//! A new clientState is stored as pending before it is handed over, because a notification with it can be faster
//! than the answer. Whenever a subscription is made, what happened without it is caught up with: the catch-up is
//! enqueued after the source has the subscription, so that nothing falls between the two, and before the pending
//! clientState is promoted, so that a round that dies in between is known by it and repeated.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, CatchUpPurpose, ClientStateDigest, Completion, Decision, JobError, JobId, JobResult,
    Renew, SUBSCRIPTIONS, Subscription,
};
use signalbox_microsoft::{Error, NewSubscription, Renewal};
use signalbox_queue::{Job, NewJob, Register};
use url::Url;
use uuid::Uuid;

use crate::{Context, Source, context::after, fault, way::Way};

/// After a round that failed. Until the subscription ends there are many more.
const RETRY: Duration = Duration::from_secs(60);
/// A simulator with a small time scale shall not be asked without a pause.
const LEAST_PAUSE: Duration = Duration::from_millis(200);

/// What one round works with.
struct Round<'a> {
    context: &'a Context,
    source: &'a Source,
    job: &'a Job<Renew>,
    public_url: &'a Url,
    register: Register,
    way: Way<'a>,
}

/// Runs one round.
pub(crate) async fn run(context: Arc<Context>, job: Job<Renew>) -> JobResult {
    let source = context.source(&job.payload.connection)?;
    let Some(public_url) = &context.settings.public_url else {
        return Ok(Completion::noted(
            "there is no `ingress.public_url` to be notified at",
        ));
    };
    let round = Round {
        context: &context,
        source,
        job: &job,
        public_url,
        register: context.queue.register(SUBSCRIPTIONS),
        way: source.way(&context, &job.lease, job.trace.as_deref()),
    };
    match round.run().await {
        Ok((note, next)) => Ok(Completion::noted(note).again_at(next)),
        // Never dead: without its subscription a route hears nothing.
        Err(error) => {
            let chain = error.chain();
            tracing::error!(
                set = job.payload.set,
                chain,
                "a subscription could not be kept alive; trying again"
            );
            let next = context
                .after(RETRY)
                .max(after(context.clock.now(), LEAST_PAUSE))
                .max(named_instant(&error));
            Ok(Completion::noted(chain).again_at(next))
        }
    }
}

/// Nothing may be sent before the instant that a `Retry-After` named.
fn named_instant(error: &JobError) -> Timestamp {
    match error.decision() {
        Decision::Snooze(until) => *until,
        _ => Timestamp::MIN,
    }
}

impl Round<'_> {
    async fn run(&self) -> Result<(&'static str, Timestamp), JobError> {
        let subscription = match self.ours().await? {
            Some(subscription) => subscription,
            None => self.begin().await?,
        };
        let listed = self
            .source
            .client
            .subscriptions()
            .list(self.way.errand())
            .await;
        let listed = self.settled(listed).await?;
        let url = self.notification_url(&subscription.key);
        match listed.into_iter().find(|one| one.notification_url == url) {
            None => self.create(subscription).await,
            Some(found) if self.is_young(&subscription, &found) => {
                Ok(("alive", self.next_renewal(found.expires_at)))
            }
            Some(found) => self.renew(subscription, &found.id).await,
        }
    }

    /// What an answer came to; its failure is told to the lanes first.
    async fn settled<T>(&self, answer: Result<T, Error>) -> Result<T, JobError> {
        match answer {
            Ok(value) => Ok(value),
            Err(error) => Err(self.way.fault(error).await),
        }
    }

    async fn ours(&self) -> Result<Option<Subscription>, JobError> {
        let all = self
            .register
            .list::<Subscription>()
            .await
            .map_err(fault::queue)?;
        let payload = &self.job.payload;
        let mut ours = all.into_iter().map(|(_, subscription)| subscription);
        Ok(ours.find(|one| one.connection == payload.connection && one.set == payload.set))
    }

    /// A subscription with a path of its own, not yet known to the source.
    ///
    /// Stored before anything is asked of the source: what changes from now on is for the first catch-up.
    async fn begin(&self) -> Result<Subscription, JobError> {
        let company = self.source.company(self.way.errand()).await;
        let company = self.settled(company).await?;
        let payload = &self.job.payload;
        let subscription = Subscription {
            connection: payload.connection.clone(),
            key: format!("{}-{}", payload.set, Uuid::new_v4().simple()),
            company: company.id,
            set: payload.set.clone(),
            id: None,
            client_states: signalbox_core::ClientStates::default(),
            expires_at: None,
            caught_up_at: self.context.clock.now(),
        };
        self.change(&subscription, |_| {}).await?;
        Ok(subscription)
    }

    /// Dies after the request: the next round finds the subscription by its URL and takes it over.
    async fn create(
        &self,
        subscription: Subscription,
    ) -> Result<(&'static str, Timestamp), JobError> {
        let client_state =
            Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string();
        self.offer(&subscription, &client_state).await?;
        let new = NewSubscription {
            notification_url: self.notification_url(&subscription.key),
            company: subscription.company,
            set: subscription.set.clone(),
            client_state: client_state.into(),
        };
        let created = self
            .source
            .client
            .subscriptions()
            .create(&new, self.way.errand())
            .await;
        let created = self.settled(created).await?;
        self.catch_up(&subscription).await?;
        self.accept(&subscription, &created).await?;
        Ok(("created", self.next_renewal(created.expires_at)))
    }

    async fn renew(
        &self,
        subscription: Subscription,
        id: &str,
    ) -> Result<(&'static str, Timestamp), JobError> {
        let client_state =
            Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string();
        self.offer(&subscription, &client_state).await?;
        let subscriptions = self.source.client.subscriptions();
        let renewal = subscriptions
            .renew(id, None, Some(&client_state.into()), self.way.errand())
            .await;
        match self.settled(renewal).await? {
            Renewal::Renewed(renewed) => {
                // Left behind by a round that died: perhaps it had just made the subscription.
                if subscription.client_states.pending.is_some() {
                    self.catch_up(&subscription).await?;
                }
                self.accept(&subscription, &renewed).await?;
                Ok(("renewed", self.next_renewal(renewed.expires_at)))
            }
            Renewal::Gone => self.create(subscription).await,
        }
    }

    /// Stores the clientState that is about to be handed over.
    async fn offer(&self, subscription: &Subscription, client_state: &str) -> Result<(), JobError> {
        let digest = ClientStateDigest::of(client_state);
        self.change(subscription, |stored| {
            // An earlier one that was offered may have arrived although its answer did not.
            if let Some(offered) = stored.client_states.pending.take() {
                stored.client_states.previous = Some(offered);
            }
            stored.client_states.pending = Some(digest.clone());
        })
        .await
    }

    async fn accept(
        &self,
        subscription: &Subscription,
        accepted: &signalbox_microsoft::Subscription,
    ) -> Result<(), JobError> {
        self.change(subscription, |stored| {
            stored.client_states.promote();
            stored.id = Some(accepted.id.clone());
            stored.expires_at = Some(accepted.expires_at);
        })
        .await
    }

    async fn change(
        &self,
        subscription: &Subscription,
        change: impl Fn(&mut Subscription),
    ) -> Result<(), JobError> {
        let name = Subscription::name(&subscription.connection, &subscription.key);
        let changed = self.register.update(&name, |stored: Option<Subscription>| {
            let mut stored = stored.unwrap_or_else(|| subscription.clone());
            change(&mut stored);
            Some(stored)
        });
        changed.await.map(drop).map_err(fault::queue)
    }

    /// What the subscription did not see while there was none.
    async fn catch_up(&self, subscription: &Subscription) -> Result<(), JobError> {
        let since = subscription.caught_up_at;
        let window = format!("gone-{}", self.context.clock.now());
        let id = JobId::catch_up(&subscription.connection, &subscription.set, &window);
        let catch_up = CatchUp {
            connection: subscription.connection.clone(),
            company: Some(subscription.company),
            set: subscription.set.clone(),
            purpose: CatchUpPurpose::Missed { since: Some(since) },
        };
        let lanes = self.source.lanes.clone();
        let job =
            NewJob::new(id, lanes, catch_up, self.job.trace.clone()).map_err(JobError::fail)?;
        self.context
            .queue
            .enqueue(job)
            .await
            .map(drop)
            .map_err(fault::queue)
    }

    fn notification_url(&self, key: &str) -> String {
        let base = self.public_url.as_str().trim_end_matches('/');
        format!(
            "{base}/hooks/business-central/{}/{key}",
            self.job.payload.connection
        )
    }

    /// Known to us as it stands in the source, and not yet due for renewal.
    fn is_young(&self, ours: &Subscription, found: &signalbox_microsoft::Subscription) -> bool {
        let settled = ours.client_states.pending.is_none() && ours.client_states.current.is_some();
        let now = self.context.clock.now();
        let left = found.expires_at.duration_since(now);
        let lifetime = LIFETIME.mul_f64(self.context.settings.time_scale);
        settled && left.as_secs_f64() > lifetime.as_secs_f64() * 2.0 / 3.0
    }

    /// After a third of what is left.
    fn next_renewal(&self, expires_at: Timestamp) -> Timestamp {
        let now = self.context.clock.now();
        let left = expires_at.duration_since(now);
        let third = Duration::try_from(left / 3).unwrap_or_default();
        after(now, third.max(LEAST_PAUSE))
    }
}

/// Subscriptions live three days (facts, Business Central §2.3).
const LIFETIME: Duration = Duration::from_secs(3 * 86_400);
