//! The baseline of one company: once-keys of what exists are entered as known; then the routes may announce there.
//!
//! A route's beginning is the moment its baseline passes a record: what is posted later is news. A crash anywhere
//! repeats the whole pass, which enters the same keys again.

use signalbox_core::{
    Beginning, COMPANIES, Completion, EffectKey, JobError, JobResult, KnownCompany, LaneName,
    Leave, ROUTES, RoutePhase, RouteState, baseline_group,
};

use super::{Attempt, fail};
use crate::{Route, announce, fault};

impl Attempt<'_> {
    pub(super) async fn baseline(&self) -> JobResult {
        let beginning = self.beginning_routes().await?;
        let mut known = 0;
        if !beginning.is_empty() {
            known = self.enter_existing(&beginning).await?;
        }
        for route in &beginning {
            self.activate(route).await?;
        }
        // Also for routes that began in an attempt that died before it got here.
        self.release_begun().await?;
        Ok(Completion::noted(format!(
            "{} routes began; {known} announcements were entered as known",
            beginning.len()
        )))
    }

    async fn state(&self, route: &Route) -> Result<Option<RouteState>, JobError> {
        let register = self.context.queue.register(ROUTES);
        register
            .get(route.name.as_str())
            .await
            .map_err(fault::queue)
    }

    fn routes(&self) -> impl Iterator<Item = &Route> {
        let payload = &self.job.payload;
        let connection = &payload.company.connection;
        self.context.routes.listening(connection, &payload.set)
    }

    async fn beginning_routes(&self) -> Result<Vec<&Route>, JobError> {
        let mut beginning = Vec::new();
        for route in self.routes() {
            let state = self.state(route).await?;
            let leave = state.map(|state| state.leave(&self.scope()));
            if leave == Some(Leave::AfterBaseline) {
                beginning.push(route);
            }
        }
        Ok(beginning)
    }

    async fn enter_existing(&self, routes: &[&Route]) -> Result<usize, JobError> {
        let page_size = self.source.page_size;
        let mut listing = self
            .source
            .client
            .changed(self.set, self.company_key(), None, page_size);
        let mut known = 0;
        loop {
            let page = match listing.next(self.way.errand()).await {
                Ok(page) => page,
                Err(error) => return Err(self.way.fault(error).await),
            };
            let Some(mut page) = page else {
                return Ok(known);
            };
            self.source
                .finish(self.set, self.company_key(), &mut page, &self.way)
                .await?;
            for route in routes {
                let (root, effects) = self.effects(route, &page)?;
                let entered = self.context.queue.baseline(&root, &effects).await;
                known += entered.map_err(fault::queue)?;
            }
        }
    }

    fn effects(
        &self,
        route: &Route,
        page: &[signalbox_core::Record],
    ) -> Result<(LaneName, Vec<EffectKey>), JobError> {
        let root = self.context.sink(&route.sink)?.root.clone();
        let mut effects = Vec::new();
        for record in page {
            let asked = announce::ask(self.context, self.source, self.company(), route, record);
            if let Ok(announcement) = asked.map_err(fail)? {
                effects.push(announcement.effect);
            }
        }
        Ok((root, effects))
    }

    /// Notes that `route` has begun here. It is active once it has begun for every company that is followed.
    async fn activate(&self, route: &Route) -> Result<(), JobError> {
        let now = self.context.clock.now();
        let scopes = self.followed_scopes().await?;
        let begin = |old: Option<RouteState>| {
            let mut state = old?;
            let begun = state.begun.get_or_insert_default();
            let beginning = Beginning {
                since: now,
                highest: None,
            };
            begun.entry(self.scope()).or_insert(beginning);
            let whole = scopes.iter().all(|scope| begun.contains_key(scope));
            if whole && state.phase == RoutePhase::Baselining {
                state.phase = RoutePhase::Active;
                state.since = now;
                "its baseline has ended".clone_into(&mut state.reason);
            }
            Some(state)
        };
        let register = self.context.queue.register(ROUTES);
        let updated = register.update(route.name.as_str(), begin).await;
        updated.map_err(fault::queue)?;
        tracing::info!(route.name = %route.name, company.name = self.company_name, "the route announces from now on");
        Ok(())
    }

    /// The scopes of all companies of the connection.
    async fn followed_scopes(&self) -> Result<Vec<String>, JobError> {
        let register = self.context.queue.register(COMPANIES);
        let all = register
            .list::<KnownCompany>()
            .await
            .map_err(fault::queue)?;
        let connection = &self.job.payload.company.connection;
        let followed = all.into_iter().map(|(_, company)| company);
        let followed = followed.filter(|company| company.is_followed_by(connection));
        Ok(followed.map(|company| company.address.scope()).collect())
    }

    async fn release_begun(&self) -> Result<(), JobError> {
        for route in self.routes() {
            let state = self.state(route).await?;
            if state.is_some_and(|state| state.leave(&self.scope()) == Leave::Given) {
                let group = baseline_group(&route.name, &self.scope());
                let released = self.context.queue.release_group(&group).await;
                released.map_err(fault::queue)?;
            }
        }
        Ok(())
    }
}
