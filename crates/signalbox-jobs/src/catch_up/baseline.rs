//! The baseline of one company: once-keys of what exists are entered as known; then the routes may announce there.
//!
//! A route's beginning is the moment its baseline passes a record: what is posted later is news. A crash anywhere
//! repeats the whole pass, which enters the same keys again. Of a set that only grows nothing is listed: its highest
//! number tells what is not news.
//!
//! The polls of the set begin where its first baseline began, and its sweeps with the ids that it saw.

use jiff::Timestamp;
use signalbox_core::{
    Beginning, COMPANIES, Completion, EffectKey, JobError, JobResult, KnownCompany, LaneName,
    Leave, Numbers, ROUTES, RoutePhase, RouteState, baseline_group,
};

use super::{
    Attempt,
    census::Census,
    fail,
    reading::{Reading, Turn},
};
use crate::{Route, announce, fault};

impl Attempt<'_> {
    pub(super) async fn baseline(&self) -> JobResult {
        let beginning = self.beginning_routes().await?;
        let known = if beginning.is_empty() {
            "nothing was to be entered".to_owned()
        } else {
            self.begin(&beginning).await?
        };
        // Also for routes that began in an attempt that died before it got here.
        self.release_begun().await?;
        let begun = beginning.len();
        Ok(Completion::noted(format!("{begun} routes began; {known}")))
    }

    /// Takes what exists as known to `routes`, and lets them announce.
    async fn begin(&self, routes: &[&Route]) -> Result<String, JobError> {
        let started = self.context.clock.now();
        let mut highest = None;
        let known = if self.set.serial.is_some() {
            let above = self.highest().await?;
            highest = Some(above);
            let numbers = Numbers::beginning(above, started);
            self.begin_mark(started, Some(numbers)).await?;
            format!("what is numbered up to {above} is known")
        } else {
            self.begin_mark(started, None).await?;
            let known = self.enter_existing(routes, started).await?;
            format!("{known} announcements were entered as known")
        };
        for route in routes {
            self.activate(route, highest).await?;
        }
        Ok(known)
    }

    /// The highest number of a set that only grows; 0 if it is empty.
    async fn highest(&self) -> Result<i64, JobError> {
        let errand = self.way.errand();
        let highest = self
            .source
            .client
            .highest(self.set, self.company_key(), errand);
        match highest.await {
            Ok(highest) => Ok(highest.unwrap_or(0)),
            Err(error) => Err(self.way.fault(error).await),
        }
    }

    async fn state(&self, route: &Route) -> Result<Option<RouteState>, JobError> {
        let register = self.context.queue.register(ROUTES);
        register
            .get(route.name.as_str())
            .await
            .map_err(fault::queue)
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

    async fn enter_existing(
        &self,
        routes: &[&Route],
        started: Timestamp,
    ) -> Result<usize, JobError> {
        let mut census = Census::begin(self).await?;
        let client = &self.source.client;
        let all = |page_size| client.changed(self.set, self.company_key(), None, page_size);
        let mut reading = Reading::begin(self, all).await?;
        let mut known = 0;
        loop {
            match reading.next().await? {
                Turn::Page(mut page) => {
                    self.finish(&mut page).await?;
                    census.take(&page);
                    for route in routes {
                        let (root, effects) = self.effects(route, &page)?;
                        let entered = self.context.queue.baseline(&root, &effects).await;
                        known += entered.map_err(fault::queue)?;
                    }
                }
                Turn::Anew => census.begin_anew(),
                Turn::End => break,
            }
        }
        census.settle(started).await?;
        Ok(known)
    }

    fn effects(
        &self,
        route: &Route,
        page: &[signalbox_core::Record],
    ) -> Result<(LaneName, Vec<EffectKey>), JobError> {
        let root = self.context.sink(&route.sink)?.root.clone();
        let mut effects = Vec::new();
        for record in page {
            let asked = announce::ask(self.context, &self.scope(), route, record, None);
            if let Ok(announcement) = asked.map_err(fail)? {
                effects.push(announcement.effect);
            }
        }
        Ok((root, effects))
    }

    /// Notes that `route` has begun here. It is active once it has begun for every company that is followed.
    async fn activate(&self, route: &Route, highest: Option<i64>) -> Result<(), JobError> {
        let now = self.context.clock.now();
        let scopes = self.followed_scopes().await?;
        let begin = |old: Option<RouteState>| {
            let mut state = old?;
            let begun = state.begun.get_or_insert_default();
            let beginning = Beginning {
                since: now,
                highest,
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
