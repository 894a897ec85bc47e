//! Catching up: everything changed since an instant is announced if it was not.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    Completion, DocumentName, JobError, JobResult, LaneName, Record, RecordAddress, RouteName,
    SCHEDULES, SUBSCRIPTIONS, ScheduleState, Step, StepWord, Subscription,
};
use signalbox_queue::{EffectState, NewJob};

use super::{Attempt, fail};
use crate::{
    announce::{self, Announcement, Phases},
    counts, fault,
};

/// A long transaction commits rows with older instants than some that were read before
/// (facts, Business Central §6).
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

impl Attempt<'_> {
    pub(super) async fn missed(&self, since: Option<Timestamp>) -> JobResult {
        let started = self.context.clock.now();
        let looked_from = since.unwrap_or(Timestamp::MIN);
        let since = since.map(|since| since.checked_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH));
        let page_size = self.source.page_size;
        let listing = self
            .source
            .client
            .changed(self.set, self.company_key(), since, page_size);
        // What a lagging replica does not show yet would not be looked for again.
        let mut listing = listing.from_primary();
        let mut found: BTreeMap<RouteName, Vec<Announcement>> = BTreeMap::new();
        loop {
            let page = match listing.next(self.way.errand()).await {
                Ok(page) => page,
                Err(error) => return Err(self.way.fault(error).await),
            };
            let Some(page) = page else {
                break;
            };
            self.collect(page, &mut found).await?;
        }
        let mut notes = Vec::new();
        for (route, announcements) in found {
            notes.push(self.enqueue(&route, announcements).await?);
        }
        self.note_caught_up(looked_from, started).await?;
        self.note_looked(looked_from, started).await?;
        Ok(Completion::noted(if notes.is_empty() {
            "nothing was missed".to_owned()
        } else {
            notes.join(", ")
        }))
    }

    /// Adds to `found` what the routes announce on this page and the ledger does not know.
    async fn collect(
        &self,
        page: Vec<Record>,
        found: &mut BTreeMap<RouteName, Vec<Announcement>>,
    ) -> Result<(), JobError> {
        let mut page = page;
        self.source
            .finish(self.set, self.company_key(), &mut page, &self.way)
            .await?;
        let payload = &self.job.payload;
        let connection = &payload.company.connection;
        for route in self.context.routes.listening(connection, &payload.set) {
            let root = self.context.sink(&route.sink)?.root.clone();
            let mut announcements = Vec::new();
            for record in &page {
                let asked = announce::ask(self.context, self.source, self.company(), route, record);
                announcements.extend(asked.map_err(fail)?);
            }
            let fresh = self.fresh(&root, announcements).await?;
            if !fresh.is_empty() {
                found.entry(route.name.clone()).or_default().extend(fresh);
            }
        }
        Ok(())
    }

    async fn fresh(
        &self,
        root: &LaneName,
        announcements: Vec<Announcement>,
    ) -> Result<Vec<Announcement>, JobError> {
        let effects: Vec<_> = announcements.iter().map(|one| one.effect.clone()).collect();
        let states = self.context.queue.effect_states(root, &effects).await;
        let states = states.map_err(fault::queue)?;
        let with_state = announcements.into_iter().zip(states);
        let fresh = with_state.filter(|(_, state)| *state == EffectState::Fresh);
        Ok(fresh.map(|(announcement, _)| announcement).collect())
    }

    async fn enqueue(
        &self,
        name: &RouteName,
        announcements: Vec<Announcement>,
    ) -> Result<String, JobError> {
        let count = announcements.len();
        let flood = count > self.context.settings.flood_limit;
        let Some(route) = self.context.routes.get(name) else {
            return Ok(String::new());
        };
        let phases = Phases::now(self.context).await.map_err(fault::queue)?;
        let waits = phases.group(route, &self.scope());
        let group = format!("flood/{name}/{}", self.job.lease.id);
        let mut jobs: Vec<NewJob> = Vec::with_capacity(count);
        for announcement in announcements {
            self.tell(&announcement, flood.then_some(&group));
            let job = announcement.job(self.job.trace.clone(), waits.clone())?;
            jobs.push(if flood { job.held_with(&group) } else { job });
        }
        self.context
            .queue
            .enqueue_all(jobs)
            .await
            .map_err(fault::queue)?;
        counts::found(&self.job.payload, count);
        if !flood {
            return Ok(format!("{count} posts of `{name}` were found"));
        }
        let advice = format!(
            "{count} posts of `{name}` were found, more than `flood_limit`, and are held: `signalbox jobs release \
             --group {group}` announces them, `signalbox jobs seen --group {group}` takes them as known"
        );
        tracing::error!(route.name = %name, advice, "a flood is held");
        Ok(advice)
    }

    /// What is not made durable is told too early here; its steps are told again with the next attempt.
    fn tell(&self, announcement: &Announcement, group: Option<&String>) {
        let payload = &self.job.payload;
        let post = &announcement.post;
        let found = Step::new(
            self.context.clock.now(),
            StepWord::Read,
            self.job.lease.id.clone(),
        )
        .of(DocumentName::new(post.scope.clone(), &post.document))
        .on(post.route.clone())
        .found_at(RecordAddress {
            connection: payload.company.connection.clone(),
            environment: Some(payload.company.environment.clone()),
            company: self.company(),
            set: payload.set.clone(),
            record: self.set.key_of(&post.fields),
        });
        if let Some(group) = group {
            let mut held = found.clone().because(format!(
                "more than `flood_limit` were found; they wait with `{group}`"
            ));
            held.word = StepWord::Held;
            self.context.trail.tell(held);
        }
        self.context
            .trail
            .tell(found.because("found by a catch-up"));
    }

    /// The next look of a schedule may begin at `started`, if this one began where the schedule had got to.
    async fn note_looked(&self, from: Timestamp, started: Timestamp) -> Result<(), JobError> {
        let payload = &self.job.payload;
        let (connection, set) = (&payload.company.connection, &payload.set);
        let scope = self.scope();
        let register = self.context.queue.register(SCHEDULES);
        let routes = self.context.routes.listening(connection, set);
        for route in routes.filter(|route| route.schedule.is_some()) {
            let advance = |old: Option<ScheduleState>| {
                let mut state = old?;
                if from <= state.looked_until(&scope) {
                    let looked = state.looked.entry(scope.clone()).or_insert(started);
                    *looked = started.max(*looked);
                }
                Some(state)
            };
            let noted = register.update(route.name.as_str(), advance).await;
            noted.map_err(fault::queue)?;
        }
        Ok(())
    }

    /// Everything before `started` has been looked at, so the next catch-up may begin there. One that began later
    /// than the last had got to leaves a gap, and changes nothing.
    async fn note_caught_up(&self, from: Timestamp, started: Timestamp) -> Result<(), JobError> {
        let payload = &self.job.payload;
        let register = self.context.queue.register(SUBSCRIPTIONS);
        let all: Vec<(String, Subscription)> = register.list().await.map_err(fault::queue)?;
        let ours = all.into_iter().find(|(_, subscription)| {
            let of_environment = subscription
                .environment
                .as_ref()
                .is_none_or(|name| *name == payload.company.environment);
            of_environment
                && subscription.connection == payload.company.connection
                && subscription.company == payload.company.company
                && subscription.set == payload.set
        });
        let Some((name, _)) = ours else {
            return Ok(());
        };
        let advance = |old: Option<Subscription>| {
            let mut subscription = old?;
            if from <= subscription.caught_up_at {
                subscription.caught_up_at = subscription.caught_up_at.max(started);
            }
            Some(subscription)
        };
        register
            .update(&name, advance)
            .await
            .map(drop)
            .map_err(fault::queue)
    }
}
