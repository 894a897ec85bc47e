//! The baseline: once-keys of what exists are entered as known; then the routes may announce.
//!
//! A route's beginning is the moment its baseline passes a record: what is posted later is news. A crash anywhere
//! repeats the whole pass, which enters the same keys again.

use signalbox_core::{
    Completion, EffectKey, JobError, JobResult, LaneName, ROUTES, RoutePhase, RouteState,
    hold_group,
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
        // Also for routes that became active in an attempt that died before it got here.
        self.release_active().await?;
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
        let (connection, set) = (&self.job.payload.connection, &self.job.payload.set);
        self.context.routes.listening(connection, set)
    }

    async fn beginning_routes(&self) -> Result<Vec<&Route>, JobError> {
        let mut beginning = Vec::new();
        for route in self.routes() {
            let state = self.state(route).await?;
            if state.is_some_and(|state| state.phase == RoutePhase::Baselining) {
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
            .changed(self.set, self.company, None, page_size);
        let mut known = 0;
        loop {
            let page = match listing.next(self.way.errand()).await {
                Ok(page) => page,
                Err(error) => return Err(self.way.fault(error).await),
            };
            let Some(page) = page else {
                return Ok(known);
            };
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
            let asked = announce::ask(self.context, self.source, self.company, route, record);
            if let Ok(announcement) = asked.map_err(fail)? {
                effects.push(announcement.effect);
            }
        }
        Ok((root, effects))
    }

    async fn activate(&self, route: &Route) -> Result<(), JobError> {
        let active = RouteState {
            phase: RoutePhase::Active,
            since: self.context.clock.now(),
            reason: "its baseline has ended".to_owned(),
        };
        let register = self.context.queue.register(ROUTES);
        let change = |old: Option<RouteState>| match old {
            Some(old) if old.phase == RoutePhase::Baselining => Some(active.clone()),
            other => other,
        };
        let updated = register.update(route.name.as_str(), change).await;
        updated.map_err(fault::queue)?;
        tracing::info!(route.name = %route.name, "the route announces from now on");
        Ok(())
    }

    async fn release_active(&self) -> Result<(), JobError> {
        for route in self.routes() {
            let state = self.state(route).await?;
            if state.is_some_and(|state| state.phase == RoutePhase::Active) {
                let group = hold_group(&route.name);
                self.context
                    .queue
                    .release_group(&group)
                    .await
                    .map_err(fault::queue)?;
            }
        }
        Ok(())
    }
}
