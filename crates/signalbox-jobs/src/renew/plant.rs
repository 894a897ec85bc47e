//! Plants the looks at whole sets, and lets go on what waited for its route.

use signalbox_core::{
    Beginning, CatchUp, CatchUpPurpose, CompanyAddress, JobError, JobId, Leave, ROUTES, RoutePhase,
    RouteState, hold_group,
};
use signalbox_queue::NewJob;

use super::Round;
use crate::{
    Route, Source, fault,
    pace::{Notified, next_poll, next_sweep, poll_id, sweep_id},
};

impl Round<'_> {
    /// Enqueues the baseline of every set of `companies` for which some route has not begun, and sees to it that every
    /// set is polled and swept.
    pub(super) async fn plant(&self, companies: &[CompanyAddress]) -> Result<(), JobError> {
        self.adopt_beginnings(companies).await?;
        let notified = Notified::now(self.context).await?;
        let mut jobs = Vec::new();
        for (company, set) in self.sets(companies) {
            if self.is_to_begin(company, &set).await? {
                jobs.push(self.baseline(company, &set)?);
            }
            jobs.push(self.poll(&notified, company, &set)?);
            jobs.extend(self.sweep(company, &set)?);
        }
        let enqueued = self.context.queue.enqueue_all(jobs).await;
        enqueued.map(drop).map_err(fault::queue)
    }

    /// Older releases knew one company, the first: a route that was active there has begun there and nowhere else.
    async fn adopt_beginnings(&self, companies: &[CompanyAddress]) -> Result<(), JobError> {
        let Source {
            connection,
            environment,
            ..
        } = self.source;
        let first = self.context.sources.get(connection, None);
        let Some(company) = companies
            .first()
            .filter(|_| first.is_some_and(|first| first.environment == *environment))
        else {
            return Ok(());
        };
        let register = self.context.queue.register(ROUTES);
        let routes = self.context.routes.iter();
        for route in routes.filter(|route| route.source == *connection) {
            let adopt = |old: Option<RouteState>| {
                let mut state = old?;
                if state.phase == RoutePhase::Active && state.begun.is_none() {
                    let beginning = Beginning {
                        since: state.since,
                        highest: None,
                    };
                    state.begun = Some([(company.scope(), beginning)].into());
                }
                Some(state)
            };
            let adopted = register.update(route.name.as_str(), adopt).await;
            adopted.map_err(fault::queue)?;
        }
        Ok(())
    }

    async fn is_to_begin(&self, company: &CompanyAddress, set: &str) -> Result<bool, JobError> {
        let scope = company.scope();
        for route in self.context.routes.listening(&company.connection, set) {
            let state = self.state(route).await?;
            if state.is_some_and(|state| state.leave(&scope) == Leave::AfterBaseline) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn state(&self, route: &Route) -> Result<Option<RouteState>, JobError> {
        let register = self.context.queue.register(ROUTES);
        let state = register.get(route.name.as_str()).await;
        state.map_err(fault::queue)
    }

    fn baseline(&self, company: &CompanyAddress, set: &str) -> Result<NewJob, JobError> {
        let id = JobId::catch_up(company, set, "baseline");
        self.look(id, company, set, CatchUpPurpose::Baseline)
    }

    /// A poll that is planted already keeps its instant, unless the set has lost its subscription and is to be looked at
    /// sooner.
    fn poll(
        &self,
        notified: &Notified,
        company: &CompanyAddress,
        set: &str,
    ) -> Result<NewJob, JobError> {
        let id = poll_id(company, set);
        let pace = notified.pace(self.context, self.source, company, set);
        let next = next_poll(self.context, &id, pace);
        let poll = self.look(id, company, set, CatchUpPurpose::Poll)?;
        Ok(poll.due(next))
    }

    /// A set that only grows needs no sweep.
    fn sweep(&self, company: &CompanyAddress, set: &str) -> Result<Option<NewJob>, JobError> {
        let entity = self.source.entities.get(set);
        if entity.is_none_or(|entity| entity.serial.is_some()) {
            return Ok(None);
        }
        let id = sweep_id(company, set);
        let next = next_sweep(self.context, self.source, &id);
        let sweep = self.look(id, company, set, CatchUpPurpose::Sweep)?;
        Ok(Some(sweep.due(next)))
    }

    fn look(
        &self,
        id: JobId,
        company: &CompanyAddress,
        set: &str,
        purpose: CatchUpPurpose,
    ) -> Result<NewJob, JobError> {
        let look = CatchUp {
            company: company.clone(),
            set: set.to_owned(),
            purpose,
        };
        let lanes = self.source.lanes_of(company.company, set);
        let job = NewJob::new(id, lanes, look, None).map_err(JobError::fail)?;
        Ok(job.keep_last(self.context.clock.now()))
    }

    /// Posts that were held while their route was disabled or removed.
    pub(super) async fn release_active(&self) -> Result<(), JobError> {
        let routes = self.context.routes.iter();
        let ours = routes.filter(|route| route.source == self.source.connection && route.enabled);
        for route in ours {
            let state = self.state(route).await?;
            if state.is_some_and(|state| state.phase == RoutePhase::Active) {
                let released = self
                    .context
                    .queue
                    .release_group(&hold_group(&route.name))
                    .await;
                released.map_err(fault::queue)?;
            }
        }
        Ok(())
    }
}
