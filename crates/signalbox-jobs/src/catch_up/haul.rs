//! What a look finds, on its way to the posts: what nobody announced yet, told apart from a flood.
//!
//! Up to the flood limit it is kept until the listing has come to its end, because only then is it known that it is no
//! flood. What is more goes page by page into the group of the look, so that nothing but a page and the limit is ever
//! kept. The group has the same name in every attempt of one look, and its size in Redis decides: a second attempt
//! neither doubles what the first one held nor takes the rest for little.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_core::{
    DocumentName, JobError, LaneName, Record, RecordAddress, RouteName, Step, StepWord,
};
use signalbox_queue::{EffectState, Enqueued, NewJob};

use super::{Attempt, fail};
use crate::{
    Route,
    announce::{self, Announcement, Phases},
    counts, fault, people,
};

/// What one look finds.
pub(super) struct Haul<'a> {
    attempt: &'a Attempt<'a>,
    /// How the trail says it.
    found_by: &'static str,
    /// What tells this look from every other.
    look: String,
    catches: BTreeMap<RouteName, Catch>,
    /// Groups of posts that wait for their routes.
    waiting: BTreeSet<(RouteName, String)>,
    found: u64,
}

/// What one look finds for one route.
#[derive(Default)]
struct Catch {
    kept: Vec<Announcement>,
    /// More than the limit was found; what comes goes into the group.
    floods: bool,
    found: u64,
}

impl<'a> Haul<'a> {
    /// Nothing yet. `look` is the same for every attempt of one look and for no other.
    pub(super) fn begin(attempt: &'a Attempt<'a>, found_by: &'static str, look: String) -> Self {
        Self {
            attempt,
            found_by,
            look,
            catches: BTreeMap::new(),
            waiting: BTreeSet::new(),
            found: 0,
        }
    }

    /// Takes what the routes announce on this page and nobody did yet.
    pub(super) async fn take(&mut self, page: &[Record]) -> Result<(), JobError> {
        let attempt = self.attempt;
        let phases = Phases::now(attempt.context).await.map_err(fault::queue)?;
        for route in attempt.routes() {
            let fresh = self.fresh(route, &phases, page).await?;
            let limit = attempt.context.settings.flood_limit;
            let catch = self.catches.entry(route.name.clone()).or_default();
            catch.kept.extend(fresh);
            catch.floods |= catch.kept.len() > limit;
            if catch.floods {
                self.enqueue_kept(route).await?;
            }
        }
        Ok(())
    }

    /// The listing began anew: what was not enqueued comes again.
    pub(super) fn begin_anew(&mut self) {
        for catch in self.catches.values_mut() {
            catch.kept.clear();
        }
    }

    /// Enqueues the rest. Says what was found, and how many posts nothing else had brought.
    pub(super) async fn end(mut self) -> Result<(String, u64), JobError> {
        let mut notes = Vec::new();
        for route in self.attempt.routes() {
            self.enqueue_kept(route).await?;
            notes.extend(self.note(route).await?);
        }
        self.release_begun().await?;
        let note = if notes.is_empty() {
            "nothing was missed".to_owned()
        } else {
            notes.join(", ")
        };
        Ok((note, self.found))
    }

    async fn fresh(
        &self,
        route: &Route,
        phases: &Phases,
        page: &[Record],
    ) -> Result<Vec<Announcement>, JobError> {
        let Attempt { context, .. } = self.attempt;
        let scope = self.attempt.scope();
        let highest = phases.highest(route, &scope);
        let root: &LaneName = &context.sink(&route.sink)?.root;
        let mut announcements = Vec::new();
        for record in page {
            let asked = announce::ask(context, &scope, route, record, highest);
            announcements.extend(asked.map_err(fail)?);
        }
        let effects: Vec<_> = announcements.iter().map(|one| one.effect.clone()).collect();
        let states = context.queue.effect_states(root, &effects).await;
        let with_state = announcements.into_iter().zip(states.map_err(fault::queue)?);
        let fresh = with_state.filter(|(_, state)| *state == EffectState::Fresh);
        let (place, way) = (
            (self.attempt.source, self.attempt.company()),
            &self.attempt.way,
        );
        let mut mentioning = Vec::new();
        for (announcement, _) in fresh {
            mentioning.push(people::added(context, place, way, route, announcement).await?);
        }
        Ok(mentioning)
    }

    /// Enqueues what is kept for `route`: held with the group of the look if it floods, or with what the route waits for.
    async fn enqueue_kept(&mut self, route: &Route) -> Result<(), JobError> {
        let Some(catch) = self.catches.get_mut(&route.name) else {
            return Ok(());
        };
        let kept = std::mem::take(&mut catch.kept);
        if kept.is_empty() {
            return Ok(());
        }
        let context = self.attempt.context;
        let flood = catch.floods.then(|| self.group(route));
        let phases = Phases::now(context).await.map_err(fault::queue)?;
        let waits = phases.group(route, &self.attempt.scope());
        if let Some(waits) = &waits {
            self.waiting.insert((route.name.clone(), waits.clone()));
        }
        let group = waits.or(flood);
        let (steps, jobs) = self.jobs(kept, group.as_ref());
        let outcomes = context.queue.enqueue_all(jobs).await;
        let outcomes = outcomes.map_err(fault::queue)?;
        let new = steps
            .into_iter()
            .zip(outcomes)
            .filter(|(_, outcome)| *outcome == Enqueued::New);
        let mut found: u64 = 0;
        for (steps, _) in new {
            found += 1;
            for step in steps {
                context.trail.tell(step);
            }
        }
        counts::found(&self.attempt.job.payload, found);
        self.found += found;
        self.catches.entry(route.name.clone()).or_default().found += found;
        Ok(())
    }

    /// The posts, and what is told of each that is new.
    fn jobs(
        &self,
        announcements: Vec<Announcement>,
        group: Option<&String>,
    ) -> (Vec<Vec<Step>>, Vec<NewJob>) {
        let mut steps = Vec::with_capacity(announcements.len());
        let mut jobs = Vec::with_capacity(announcements.len());
        for announcement in announcements {
            let mut told = self.steps(&announcement, group);
            match announcement.job(self.attempt.job.trace.clone(), group.cloned()) {
                Ok(job) => {
                    steps.push(told);
                    jobs.push(job);
                }
                // One record that cannot be carried shall not keep all others from being announced.
                Err(error) => {
                    let cause = error.chain();
                    tracing::error!(cause, "a record was found and cannot be announced");
                    if let Some(mut step) = told.pop() {
                        step.word = StepWord::NotAnnounced;
                        self.attempt.context.trail.tell(step.because(cause));
                    }
                }
            }
        }
        (steps, jobs)
    }

    fn steps(&self, announcement: &Announcement, group: Option<&String>) -> Vec<Step> {
        let attempt = self.attempt;
        let payload = &attempt.job.payload;
        let post = &announcement.post;
        let now = attempt.context.clock.now();
        let found = Step::new(now, StepWord::Read, attempt.job.lease.id.clone())
            .of(DocumentName::new(post.scope.clone(), &post.document))
            .on(post.route.clone())
            .found_at(RecordAddress {
                connection: payload.company.connection.clone(),
                environment: Some(payload.company.environment.clone()),
                company: attempt.company(),
                set: payload.set.clone(),
                record: attempt.set.key_of(&post.fields),
            });
        let held = group.map(|group| {
            let mut held = found
                .clone()
                .because(format!("its post waits with `{group}`"));
            held.word = StepWord::Held;
            held
        });
        let found_by = format!("found by {}", self.found_by);
        let found = found.because(match announcement.mentions.as_str() {
            "" => found_by,
            mentions => format!("{found_by}; {mentions}"),
        });
        [Some(found), held].into_iter().flatten().collect()
    }

    /// What is said of `route`, once a flood is told from what was one only in parts.
    async fn note(&self, route: &Route) -> Result<Option<String>, JobError> {
        let name = &route.name;
        let Some(catch) = self.catches.get(name) else {
            return Ok(None);
        };
        if !catch.floods {
            let found = catch.found;
            return Ok((found > 0).then(|| format!("{found} posts of `{name}` were found")));
        }
        let Attempt { context, .. } = self.attempt;
        let group = self.group(route);
        let held = context.queue.held_groups().await.map_err(fault::queue)?;
        let held = held.get(&group).copied().unwrap_or(0);
        if held <= u64::try_from(context.settings.flood_limit).unwrap_or(u64::MAX) {
            let released = context.queue.release_group(&group).await;
            let released = released.map_err(fault::queue)?;
            return Ok(Some(format!("{released} posts of `{name}` were found")));
        }
        let advice = format!(
            "{held} posts of `{name}` were found, more than `flood_limit`, and are held: `signalbox jobs release \
             --group {group}` announces them, `signalbox jobs seen --group {group}` takes them as known"
        );
        tracing::error!(route.name = %name, advice, "a flood is held");
        Ok(Some(advice))
    }

    /// A route may begin between the question and the enqueue; then nobody else releases what came too late.
    async fn release_begun(&self) -> Result<(), JobError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let context = self.attempt.context;
        let phases = Phases::now(context).await.map_err(fault::queue)?;
        for (name, group) in &self.waiting {
            let route = context.routes.get(name);
            if route.is_some_and(|route| phases.group(route, &self.attempt.scope()).is_none()) {
                let released = context.queue.release_group(group).await;
                released.map_err(fault::queue)?;
            }
        }
        Ok(())
    }

    fn group(&self, route: &Route) -> String {
        format!("flood/{}/{}", route.name, self.look)
    }
}
