//! Makes, renews and deletes one subscription.
//!
//! A new clientState is stored as pending before it is handed over, because a notification with it can be faster
//! than the answer. Whenever a subscription is made, what happened without it is caught up with: the catch-up is
//! enqueued after the source has the subscription, so that nothing falls between the two, and before the pending
//! clientState is promoted, so that a round that dies in between is known by it and repeated.
//!
//! What fails is noted on the subscription itself. Only what would fail for every other one as well is an error.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use signalbox_core::{CatchUp, CatchUpPurpose, ClientStateDigest, JobError, JobId, Subscription};
use signalbox_microsoft::{Error, NewSubscription, Renewal};
use signalbox_queue::NewJob;

use super::{
    plan::{Deletion, Extension},
    upkeep::Upkeep,
};
use crate::fault;

impl Upkeep<'_> {
    /// Dies after the request: the next round finds the subscription by its URL and takes it over.
    pub(super) async fn create(&self, record: &Subscription, api: &str) -> Result<(), JobError> {
        let client_state = client_state()?;
        self.offer(record, &client_state).await?;
        let new = NewSubscription {
            notification_url: self.url(record),
            company: record.company,
            set: record.set.clone(),
            client_state: client_state.into(),
        };
        let subscriptions = self.round.source.client.subscriptions_of(api);
        match subscriptions.create(&new, self.round.way.errand()).await {
            Ok(created) => {
                self.catch_up(record).await?;
                self.accept(record, &created).await
            }
            Err(error) if is_duplicate(&error) => self.take_over(record, api, error).await,
            Err(error) if is_refusal(&error) => self.refused(record, error).await,
            Err(error) => self.failed(record, error).await,
        }
    }

    /// The source says that it has the subscription already: then it lists it now.
    async fn take_over(
        &self,
        record: &Subscription,
        api: &str,
        refusal: Error,
    ) -> Result<(), JobError> {
        let listed = self.round.listed_at(api).await?;
        let url = self.url(record);
        let twin = listed
            .into_iter()
            .find(|one| one.subscription.notification_url == url);
        match twin {
            Some(listed) => {
                let taken_over = Extension {
                    record: record.clone(),
                    listed,
                    replaces: None,
                    was_deaf: true,
                };
                Box::pin(self.renew(&taken_over)).await
            }
            None => self.refused(record, refusal).await,
        }
    }

    pub(super) async fn renew(&self, extension: &Extension) -> Result<(), JobError> {
        let Extension { record, listed, .. } = extension;
        let client_state = client_state()?;
        self.offer(record, &client_state).await?;
        let subscriptions = self.round.source.client.subscriptions_of(&listed.api);
        let id = &listed.subscription.id;
        let errand = self.round.way.errand();
        match subscriptions
            .renew(id, None, Some(&client_state.into()), errand)
            .await
        {
            Ok(Renewal::Renewed(renewed)) => {
                if extension.was_deaf {
                    self.catch_up(record).await?;
                }
                self.accept(record, &renewed).await?;
                self.round.forget(extension.replaces.as_deref()).await
            }
            Ok(Renewal::Gone) => {
                self.gone(record).await?;
                self.create(record, &listed.api).await
            }
            Err(error) => self.failed(record, error).await,
        }
    }

    /// Whether it is deleted now.
    pub(super) async fn delete(&self, deletion: &Deletion) -> Result<bool, JobError> {
        let listed = &deletion.listed;
        let subscriptions = self.round.source.client.subscriptions_of(&listed.api);
        let id = &listed.subscription.id;
        let errand = self.round.way.errand();
        if let Err(error) = subscriptions.delete(id, None, errand).await {
            match &deletion.record {
                Some(record) => self.failed(record, error).await?,
                None => drop(self.cause(error).await?),
            }
            return Ok(false);
        }
        tracing::info!(
            environment.name = self.round.source.environment,
            subscription.resource = listed.subscription.resource,
            why = deletion.why,
            "a subscription of ours was deleted"
        );
        if let Some(record) = &deletion.record {
            self.gone(record).await?;
        }
        Ok(true)
    }

    /// Stores the clientState that is about to be handed over.
    async fn offer(&self, record: &Subscription, client_state: &str) -> Result<(), JobError> {
        let digest = ClientStateDigest::of(client_state);
        let offer = |stored: &mut Subscription| {
            // An earlier one that was offered may have arrived although its answer did not.
            if let Some(offered) = stored.client_states.pending.take() {
                stored.client_states.previous = Some(offered);
            }
            stored.client_states.pending = Some(digest.clone());
        };
        self.round.change(record, offer).await
    }

    async fn accept(
        &self,
        record: &Subscription,
        accepted: &signalbox_microsoft::Subscription,
    ) -> Result<(), JobError> {
        self.works();
        let now = self.round.context.clock.now();
        let accept = |stored: &mut Subscription| {
            stored.client_states.promote();
            stored.id = Some(accepted.id.clone());
            stored.expires_at = Some(accepted.expires_at);
            stored.last_renewed = Some(now);
            stored.last_failure = None;
            stored.polls_instead = None;
        };
        self.round.change(record, accept).await?;
        if record.polls_instead.is_some() {
            tracing::info!(
                environment.name = self.round.source.environment,
                entity = record.set,
                company.id = %record.company,
                "there is a subscription again; the entity is not polled instead any more"
            );
        }
        Ok(())
    }

    /// The source does not know it any more.
    async fn gone(&self, record: &Subscription) -> Result<(), JobError> {
        let now = self.round.context.clock.now();
        let gone = |stored: &mut Subscription| {
            stored.id = None;
            stored.expires_at = stored.expires_at.map(|expires| expires.min(now));
        };
        self.round.change(record, gone).await
    }

    /// What the subscription did not see while there was none.
    async fn catch_up(&self, record: &Subscription) -> Result<(), JobError> {
        let round = self.round;
        let company = round.source.address(record.company);
        let window = format!("gone-{}", round.context.clock.now());
        let id = JobId::catch_up(&company, &record.set, &window);
        let since = Some(record.caught_up_at);
        let catch_up = CatchUp {
            company,
            set: record.set.clone(),
            purpose: CatchUpPurpose::Missed { since },
        };
        let lanes = round.source.lanes_of(record.company, &record.set);
        let job = NewJob::new(id, lanes, catch_up, round.job.trace.clone());
        let enqueued = round.context.queue.enqueue(job.map_err(JobError::fail)?);
        enqueued.await.map(drop).map_err(fault::queue)
    }

    fn url(&self, record: &Subscription) -> String {
        format!("{}{}", self.hook, record.key)
    }
}

/// 32 random bytes. Short, because every notification carries it (facts, Business Central §2.8).
fn client_state() -> Result<String, JobError> {
    let mut bytes = [0_u8; 32];
    let filled = SysRng.try_fill_bytes(&mut bytes);
    filled.map_err(|_| JobError::transient("the system gives no random bytes"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether the source refuses the subscription because it has it. How it says so is not documented.
fn is_duplicate(error: &Error) -> bool {
    let (Error::Conflict { exchange } | Error::Rejected { exchange }) = error else {
        return false;
    };
    let says = |text: &Option<String>, word| text.as_ref().is_some_and(|text| text.contains(word));
    says(&exchange.code, "AlreadyExists")
        || says(&exchange.code, "SameKeyExists")
        || says(&exchange.message, "already exists")
}

/// Whether the same request would be refused again: a set that has no notifications, a limit, an address that does
/// not answer, a right that is missing. How each of them is said is not documented.
fn is_refusal(error: &Error) -> bool {
    if error.code() == Some("NoEnvironment") || error.retry_after().is_some() {
        return false;
    }
    matches!(
        error,
        Error::Rejected { .. }
            | Error::Forbidden { .. }
            | Error::NotFound { .. }
            | Error::Conflict { .. }
            | Error::TooLarge { .. }
    )
}
