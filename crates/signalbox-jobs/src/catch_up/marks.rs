//! How far the set of an attempt has been looked at, as its register says it.

use jiff::Timestamp;
use signalbox_core::{
    JobError, Numbers, ROUTES, RoutePhase, RouteState, SUBSCRIPTIONS, Subscription, WATERMARKS,
    Watermark,
};

use super::Attempt;
use crate::fault;

impl Attempt<'_> {
    /// The set's mark, if it has one.
    pub(super) async fn mark(&self) -> Result<Option<Watermark>, JobError> {
        let register = self.context.queue.register(WATERMARKS);
        register.get(&self.mark_key()).await.map_err(fault::queue)
    }

    /// Changes the mark, if there is one.
    pub(super) async fn change_mark(
        &self,
        change: impl Fn(&mut Watermark),
    ) -> Result<(), JobError> {
        let register = self.context.queue.register(WATERMARKS);
        let key = self.mark_key();
        let changed = register.update(&key, |old: Option<Watermark>| {
            let mut mark = old?;
            change(&mut mark);
            Some(mark)
        });
        changed.await.map(drop).map_err(fault::queue)
    }

    /// The mark; one that begins at `at` if there is none yet.
    pub(super) async fn begin_mark(
        &self,
        at: Timestamp,
        numbers: Option<Numbers>,
    ) -> Result<Watermark, JobError> {
        let beginning = Watermark {
            numbers,
            ..Watermark::beginning(at)
        };
        let register = self.context.queue.register(WATERMARKS);
        let key = self.mark_key();
        let begun = register.update(&key, |old: Option<Watermark>| {
            Some(old.unwrap_or_else(|| beginning.clone()))
        });
        let begun = begun.await.map_err(fault::queue)?;
        Ok(begun.unwrap_or(beginning))
    }

    /// The mark of a set whose routes began before there were marks: from where notifications have brought everything.
    ///
    /// `None` while no route has begun here: the baseline begins the mark.
    pub(super) async fn late_mark(&self) -> Result<Option<Watermark>, JobError> {
        let Some((since, highest)) = self.begun().await? else {
            return Ok(None);
        };
        let at = self.subscription().await?;
        let at = at.map_or(since, |(_, subscription)| subscription.caught_up_at);
        let numbers = highest.map(|highest| Numbers::beginning(highest, at));
        self.begin_mark(at, numbers).await.map(Some)
    }

    /// When the first of the routes began here, and at which number.
    async fn begun(&self) -> Result<Option<(Timestamp, Option<i64>)>, JobError> {
        let register = self.context.queue.register(ROUTES);
        let scope = self.scope();
        let mut first: Option<(Timestamp, Option<i64>)> = None;
        for route in self.routes() {
            let state: Option<RouteState> = register
                .get(route.name.as_str())
                .await
                .map_err(fault::queue)?;
            let Some(state) = state else { continue };
            let begun = match &state.begun {
                Some(begun) => begun.get(&scope).map(|one| (one.since, one.highest)),
                None if state.phase == RoutePhase::Active => Some((state.since, None)),
                None => None,
            };
            first = match (first, begun) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.min(b.1))),
                (a, b) => a.or(b),
            };
        }
        Ok(first)
    }

    /// The subscription that tells of this set, with its name in the register.
    pub(super) async fn subscription(&self) -> Result<Option<(String, Subscription)>, JobError> {
        let payload = &self.job.payload;
        let register = self.context.queue.register(SUBSCRIPTIONS);
        let all: Vec<(String, Subscription)> = register.list().await.map_err(fault::queue)?;
        Ok(all.into_iter().find(|(_, subscription)| {
            let of_environment = subscription
                .environment
                .as_ref()
                .is_none_or(|name| *name == payload.company.environment);
            of_environment
                && subscription.connection == payload.company.connection
                && subscription.company == payload.company.company
                && subscription.set == payload.set
        }))
    }

    pub(super) fn mark_key(&self) -> String {
        Watermark::key(&self.job.payload.company, &self.job.payload.set)
    }
}
