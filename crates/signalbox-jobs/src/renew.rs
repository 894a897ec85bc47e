//! `renew`: keeps one environment followed for ever, one round after the other.
//!
//! A round finds the companies, plants the baseline of every set for which some route has not begun, lets go on what
//! waited for a route that may announce again, and keeps the subscriptions alive. It is never dead: without it a route
//! hears nothing.

mod companies;
mod plan;
mod plant;
mod subscription;
mod upkeep;
mod wishes;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    CompanyAddress, Completion, Decision, JobError, JobResult, Renew, RenewOfSet, SUBSCRIPTIONS,
};
use signalbox_queue::{Job, Register};

use self::{plan::Times, upkeep::Upkeep};
use crate::{Context, Source, context::after, way::Way};

/// After a round that failed. Until a subscription ends there are many more.
const RETRY: Duration = Duration::from_secs(60);
/// Companies come and go rarely, and routes are changed by a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Subscriptions live three days (facts, Business Central §2.3).
const LIFETIME: Duration = Duration::from_secs(3 * 86_400);
/// For requests of a round: it would begin anew if it made room for each.
const PATIENCE: Duration = Duration::from_secs(5);
/// A simulator with a small time scale shall not be asked without a pause.
const LEAST_PAUSE: Duration = Duration::from_millis(200);

/// What one round works with.
struct Round<'a> {
    context: &'a Context,
    source: &'a Source,
    job: &'a Job<Renew>,
    register: Register,
    way: Way<'a>,
}

/// Runs one round.
pub(crate) async fn run(context: Arc<Context>, job: Job<Renew>) -> JobResult {
    let Renew {
        connection,
        environment,
    } = &job.payload;
    let source = context.source(connection, Some(environment))?;
    let round = Round {
        context: &context,
        source,
        job: &job,
        register: context.queue.register(SUBSCRIPTIONS),
        way: source
            .renewal_way(&context, &job.lease, job.trace.as_deref())
            .with_patience(PATIENCE),
    };
    match round.run().await {
        Ok((note, next)) => Ok(Completion::noted(note).again_at(next)),
        Err(error) => {
            let chain = error.chain();
            tracing::error!(
                environment.name = environment,
                chain,
                "an environment could not be looked after; trying again"
            );
            let next = round.pause(RETRY).max(named_instant(&error));
            // Not an end: a round that was let through as a probe and failed shall not open its broken lane.
            Err(JobError::snooze(next, chain))
        }
    }
}

/// What an older release enqueued for one set is done by the round of its environment.
pub(crate) async fn retire(_: Arc<Context>, _: Job<RenewOfSet>) -> JobResult {
    Ok(Completion::noted(
        "subscriptions are kept alive per environment now",
    ))
}

/// Nothing may be sent before the instant that a `Retry-After` named.
fn named_instant(error: &JobError) -> Timestamp {
    match error.decision() {
        Decision::Snooze(until) => *until,
        _ => Timestamp::MIN,
    }
}

impl Round<'_> {
    async fn run(&self) -> Result<(String, Timestamp), JobError> {
        let followed = self.companies().await?;
        let companies = &followed.addresses;
        let next = self.pause(LONGEST_PAUSE);
        let Some(public_url) = &self.context.settings.public_url else {
            self.plant(companies).await?;
            self.release_active().await?;
            let note = "no subscriptions: there is no `ingress.public_url` to be notified at";
            return Ok((note.to_owned(), next));
        };
        // Before the baselines, so that nothing falls between one of them and the first catch-up.
        self.begin(companies).await?;
        self.plant(companies).await?;
        self.release_active().await?;
        let upkeep = Upkeep::new(self, &followed, public_url);
        let (note, due) = upkeep.run().await?;
        let due = due.map_or(next, |due| due.max(self.pause(Duration::ZERO)));
        Ok((note, next.min(due)))
    }

    /// What decides when subscriptions are due.
    fn times(&self) -> Times {
        let scaled = |span: Duration| {
            let span = span.mul_f64(self.context.settings.time_scale);
            SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
        };
        Times {
            life: scaled(LIFETIME),
            retry: scaled(RETRY),
            most: scaled(LONGEST_PAUSE),
        }
    }

    /// Every set that some route listens to, in every company.
    fn sets<'c>(&self, companies: &'c [CompanyAddress]) -> Vec<(&'c CompanyAddress, String)> {
        let sets = self.context.routes.sets_of(&self.source.connection);
        let both = companies
            .iter()
            .flat_map(|company| sets.iter().map(move |set| (company, (*set).to_owned())));
        both.collect()
    }

    /// The instant after `pause`, scaled.
    fn pause(&self, pause: Duration) -> Timestamp {
        let least = after(self.context.clock.now(), LEAST_PAUSE);
        self.context.after(pause).max(least)
    }
}
