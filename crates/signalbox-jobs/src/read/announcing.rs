//! From records to posts: those of a whole attempt are enqueued in one step, before any of its jobs ends.

use std::collections::BTreeMap;

use signalbox_core::{Completion, JobError, JobResult, Read, Record, RouteName};
use signalbox_queue::{Enqueued, Job, NewJob};

use super::{
    Reading,
    asking::copy,
    story::{Story, note},
};
use crate::{
    announce::{self, Phases},
    fault, people,
};

/// What comes of one record.
struct Plan<'a> {
    story: Story<'a>,
    notes: Vec<String>,
    /// The routes that announce it, each with the group that its post waits with.
    wanted: Vec<(RouteName, Option<String>)>,
    posts: Vec<NewJob>,
}

impl Reading<'_> {
    /// Enqueues what the routes announce of `records`, which are those of `jobs`.
    pub(super) async fn announce(
        &self,
        jobs: &[&Job<Read>],
        records: &[Record],
        phases: &Phases,
    ) -> Vec<JobResult> {
        let mut posts = Vec::new();
        let mut plans = Vec::with_capacity(jobs.len());
        for (job, record) in jobs.iter().zip(records) {
            let mut plan = self.plan(job, record, phases).await;
            if let Ok(plan) = &mut plan {
                posts.append(&mut plan.posts);
            }
            plans.push(plan);
        }
        match self.enqueue(posts, &plans).await {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                let ended = plans.into_iter();
                ended.map(|plan| Ok(plan?.ended(&mut outcomes))).collect()
            }
            Err(error) => {
                let ended = plans.into_iter();
                ended.map(|plan| plan.and(Err(copy(&error)))).collect()
            }
        }
    }

    async fn plan(
        &self,
        job: &Job<Read>,
        record: &Record,
        phases: &Phases,
    ) -> Result<Plan<'_>, JobError> {
        let read = &job.payload;
        let mut plan = Plan {
            story: Story::begin(self, record, job),
            notes: Vec::new(),
            wanted: Vec::new(),
            posts: Vec::new(),
        };
        let scope = self.source.address(self.company).scope();
        let replay = read.replay.as_ref();
        let only = replay.and_then(|replay| replay.route.as_ref());
        let listening = self.context.routes.listening(&read.connection, &read.set);
        for route in listening.filter(|route| only.is_none_or(|only| *only == route.name)) {
            let highest = phases.highest(route, &scope);
            let asked = announce::ask(self.context, &scope, route, record, highest);
            match asked.map_err(JobError::fail)? {
                Err(silence) => {
                    let name = route.name.clone();
                    plan.story.not_announced(name, silence.as_str());
                    plan.notes.push(silence.as_str().to_owned());
                }
                Ok(announcement) => {
                    let place = (self.source, self.company);
                    let added = people::added(self.context, place, &self.way, route, announcement);
                    let mut announcement = added.await?;
                    if !announcement.mentions.is_empty() {
                        let whom = announcement.mentions.clone();
                        plan.story.mentioned(route.name.clone(), whom);
                    }
                    if let Some(replay) = replay {
                        announcement = announcement.replayed(replay);
                    }
                    let group = phases.group(route, &scope);
                    let post = announcement.job(job.trace.clone(), group.clone())?;
                    plan.posts.push(post);
                    plan.wanted.push((route.name.clone(), group));
                }
            }
        }
        Ok(plan)
    }

    async fn enqueue(
        &self,
        posts: Vec<NewJob>,
        plans: &[Result<Plan<'_>, JobError>],
    ) -> Result<Vec<Enqueued>, JobError> {
        let enqueued = self.context.queue.enqueue_all(posts).await;
        let outcomes = enqueued.map_err(fault::queue)?;
        let wanted = plans.iter().flatten().flat_map(|plan| &plan.wanted);
        let waiting = wanted.filter_map(|(name, group)| Some((name, group.as_ref()?)));
        self.release_if_active_meanwhile(waiting.collect()).await?;
        Ok(outcomes)
    }

    /// A route may become active between the question and the enqueue; then nobody else releases what came too late.
    async fn release_if_active_meanwhile(
        &self,
        waiting: BTreeMap<&RouteName, &String>,
    ) -> Result<(), JobError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let scope = self.source.address(self.company).scope();
        let phases = Phases::now(self.context).await.map_err(fault::queue)?;
        for (name, group) in waiting {
            let Some(route) = self.context.routes.get(name) else {
                continue;
            };
            if phases.group(route, &scope).is_none() {
                let released = self.context.queue.release_group(group).await;
                released.map_err(fault::queue)?;
            }
        }
        Ok(())
    }
}

impl Plan<'_> {
    /// Tells what became of its posts, which are the next of `outcomes`.
    fn ended(self, outcomes: &mut impl Iterator<Item = Enqueued>) -> Completion {
        let mut notes = self.notes;
        for ((route, group), outcome) in self.wanted.into_iter().zip(outcomes) {
            self.story.enqueued(route, outcome, group.as_deref());
            notes.push(note(outcome));
        }
        notes.sort_unstable();
        notes.dedup();
        Completion::noted(notes.join(", "))
    }
}
