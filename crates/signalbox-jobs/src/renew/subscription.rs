//! Keeps the subscription to one entity set of one company alive.
//!
//! A new clientState is stored as pending before it is handed over, because a notification with it can be faster
//! than the answer. Whenever a subscription is made, what happened without it is caught up with: the catch-up is
//! enqueued after the source has the subscription, so that nothing falls between the two, and before the pending
//! clientState is promoted, so that a round that dies in between is known by it and repeated.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, CatchUpPurpose, ClientStateDigest, CompanyAddress, JobError, JobId, Subscription,
};
use signalbox_microsoft::{Error, NewSubscription, Renewal};
use signalbox_queue::NewJob;
use url::Url;
use uuid::Uuid;

use super::{LEAST_PAUSE, Round};
use crate::{context::after, fault};

/// One subscription that is being kept alive.
pub(super) struct Keeping<'a> {
    pub(super) round: &'a Round<'a>,
    pub(super) public_url: &'a Url,
    pub(super) company: &'a CompanyAddress,
    pub(super) set: String,
}

impl Keeping<'_> {
    /// Creates, renews or leaves it alone; says when it is to be looked at again.
    pub(super) async fn run(&self) -> Result<Timestamp, JobError> {
        let subscription = match self.ours().await? {
            Some(subscription) => subscription,
            None => self.begin().await?,
        };
        let listed = self
            .round
            .source
            .client
            .subscriptions()
            .list(self.round.way.errand())
            .await;
        let listed = self.settled(listed).await?;
        let url = self.notification_url(&subscription.key);
        match listed.into_iter().find(|one| one.notification_url == url) {
            None => self.create(subscription).await,
            Some(found) if self.is_young(&subscription, &found) => {
                Ok(self.next_renewal(found.expires_at))
            }
            Some(found) => self.renew(subscription, &found.id).await,
        }
    }

    /// What an answer came to; its failure is told to the lanes first.
    async fn settled<T>(&self, answer: Result<T, Error>) -> Result<T, JobError> {
        match answer {
            Ok(value) => Ok(value),
            Err(error) => Err(self.round.way.fault(error).await),
        }
    }

    async fn ours(&self) -> Result<Option<Subscription>, JobError> {
        let all = self
            .round
            .register
            .list::<Subscription>()
            .await
            .map_err(fault::queue)?;
        let address = self.company;
        let mut ours = all.into_iter().map(|(_, subscription)| subscription);
        Ok(ours.find(|one| {
            let environment = one.environment.as_ref();
            one.connection == address.connection
                && environment.is_none_or(|name| *name == address.environment)
                && one.company == address.company
                && one.set == self.set
        }))
    }

    /// A subscription with a path of its own, not yet known to the source.
    ///
    /// Stored before anything is asked of the source: what changes from now on is for the first catch-up.
    async fn begin(&self) -> Result<Subscription, JobError> {
        let subscription = Subscription {
            connection: self.company.connection.clone(),
            key: format!("{}-{}", self.set, Uuid::new_v4().simple()),
            environment: Some(self.company.environment.clone()),
            company: self.company.company,
            set: self.set.clone(),
            id: None,
            client_states: signalbox_core::ClientStates::default(),
            expires_at: None,
            caught_up_at: self.round.context.clock.now(),
        };
        self.change(&subscription, |_| {}).await?;
        Ok(subscription)
    }

    /// Dies after the request: the next round finds the subscription by its URL and takes it over.
    async fn create(&self, subscription: Subscription) -> Result<Timestamp, JobError> {
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
            .round
            .source
            .client
            .subscriptions()
            .create(&new, self.round.way.errand())
            .await;
        let created = self.settled(created).await?;
        self.catch_up(&subscription).await?;
        self.accept(&subscription, &created).await?;
        Ok(self.next_renewal(created.expires_at))
    }

    async fn renew(&self, subscription: Subscription, id: &str) -> Result<Timestamp, JobError> {
        let client_state =
            Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string();
        self.offer(&subscription, &client_state).await?;
        let subscriptions = self.round.source.client.subscriptions();
        let renewal = subscriptions
            .renew(
                id,
                None,
                Some(&client_state.into()),
                self.round.way.errand(),
            )
            .await;
        match self.settled(renewal).await? {
            Renewal::Renewed(renewed) => {
                // Left behind by a round that died: perhaps it had just made the subscription.
                if subscription.client_states.pending.is_some() {
                    self.catch_up(&subscription).await?;
                }
                self.accept(&subscription, &renewed).await?;
                Ok(self.next_renewal(renewed.expires_at))
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
        let changed = self
            .round
            .register
            .update(&name, |stored: Option<Subscription>| {
                let mut stored = stored.unwrap_or_else(|| subscription.clone());
                change(&mut stored);
                Some(stored)
            });
        changed.await.map(drop).map_err(fault::queue)
    }

    /// What the subscription did not see while there was none.
    async fn catch_up(&self, subscription: &Subscription) -> Result<(), JobError> {
        let since = subscription.caught_up_at;
        let window = format!("gone-{}", self.round.context.clock.now());
        let id = JobId::catch_up(self.company, &subscription.set, &window);
        let catch_up = CatchUp {
            company: self.company.clone(),
            set: subscription.set.clone(),
            purpose: CatchUpPurpose::Missed { since: Some(since) },
        };
        let lanes = self
            .round
            .source
            .lanes_of(subscription.company, &subscription.set);
        let job = NewJob::new(id, lanes, catch_up, self.round.job.trace.clone())
            .map_err(JobError::fail)?;
        self.round
            .context
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
            self.company.connection
        )
    }

    /// Known to us as it stands in the source, and not yet due for renewal.
    fn is_young(&self, ours: &Subscription, found: &signalbox_microsoft::Subscription) -> bool {
        let settled = ours.client_states.pending.is_none() && ours.client_states.current.is_some();
        let now = self.round.context.clock.now();
        let left = found.expires_at.duration_since(now);
        let lifetime = LIFETIME.mul_f64(self.round.context.settings.time_scale);
        settled && left.as_secs_f64() > lifetime.as_secs_f64() * 2.0 / 3.0
    }

    /// After a third of what is left.
    fn next_renewal(&self, expires_at: Timestamp) -> Timestamp {
        let now = self.round.context.clock.now();
        let left = expires_at.duration_since(now);
        let third = Duration::try_from(left / 3).unwrap_or_default();
        after(now, third.max(LEAST_PAUSE))
    }
}

/// Subscriptions live three days (facts, Business Central §2.3).
const LIFETIME: Duration = Duration::from_secs(3 * 86_400);
