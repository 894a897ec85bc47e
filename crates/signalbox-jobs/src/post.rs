//! `post`: one card, once.
//!
//! The intent is in the ledger before the request and the receipt after it. Whatever happens in between, the next
//! attempt finds the intent, waits until the card must be visible, and looks for its marker before it posts again.

mod unknown;

use std::sync::Arc;

use signalbox_core::{Completion, JobError, JobResult, Marker, Post, StepWord, hold_group};
use signalbox_microsoft::{Error, Target};
use signalbox_queue::{Intent, Job, Token};

use crate::{
    Card, Context, Route, Sink,
    counts::{self, Effect},
    fault, tell,
    way::Way,
};

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    route: &'a Route,
    sink: &'a Sink,
    job: &'a Job<Post>,
    target: Target,
    card: Card,
    marker: Marker,
    /// To the channel.
    bot: Way<'a>,
    /// To what the channel shows.
    graph: Way<'a>,
}

/// Runs one attempt.
pub(crate) async fn run(context: Arc<Context>, job: Job<Post>) -> JobResult {
    let post = &job.payload;
    let route = usable_route(&context, post)?;
    let sink = context.sink(&post.connection)?;
    let marker = Marker::of(&post.effect);
    let card = context
        .cards
        .fill(&post.card, &post.document, &post.fields, marker);
    let card = card.map_err(JobError::fail)?;
    let bot = sink.bot_way(&context, &job.lease, job.trace.as_deref(), &post.to);
    let graph = sink.graph_way(&context, &job.lease, job.trace.as_deref(), &post.to);
    let names = sink.names_way(&context, &job.lease, job.trace.as_deref());
    let target = match sink.targets.resolve(&post.to, names.errand()).await {
        Ok(target) => target,
        // A missing channel is the fault of the channel's own lane, wherever it was looked up.
        Err(error @ (Error::UnknownName { .. } | Error::AmbiguousName { .. })) => {
            return Err(bot.fault(error).await);
        }
        Err(error) => return Err(names.fault(error).await),
    };
    let attempt = Attempt {
        context: &context,
        route,
        sink,
        job: &job,
        target,
        card,
        marker,
        bot,
        graph,
    };
    attempt.run().await
}

/// The post's route. Posts of a route that was removed or disabled wait for it.
fn usable_route<'a>(context: &'a Context, post: &Post) -> Result<&'a Route, JobError> {
    let hold = |why: &str| {
        let name = &post.route;
        let group = hold_group(name);
        let cause = format!(
            "the route `{name}` {why}; the next start of a worker then lets its posts go on. \
             `signalbox jobs seen --group {group}` takes them as known instead"
        );
        JobError::hold(group, cause)
    };
    match context.routes.get(&post.route) {
        None => Err(hold("is not configured any more: add it again")),
        Some(route) if !route.enabled => Err(hold("is disabled: enable it")),
        Some(route) => Ok(route),
    }
}

impl Attempt<'_> {
    async fn run(&self) -> JobResult {
        let (intent, _) = tokio::join!(self.intend(None), self.bot.prepare());
        let intent = intent?;
        if intent != Intent::Fresh {
            self.bot.discard();
        }
        match intent {
            Intent::Fresh => self.send().await,
            Intent::Confirmed { .. } => Ok(self.not_announced("already announced")),
            Intent::Baseline => Ok(self.not_announced("known before the route began")),
            Intent::InFlight { .. } => Err(JobError::snooze(
                self.context.after(self.sink.request_timeout),
                "another attempt is posting the same card",
            )),
            Intent::Unknown { since, token } => self.look_into(since, &token).await,
        }
    }

    async fn intend(&self, looked_into: Option<&Token>) -> Result<Intent, JobError> {
        let effect = &self.job.payload.effect;
        let intent = self
            .context
            .queue
            .intend(&self.job.lease, effect, looked_into);
        intent.await.map_err(fault::queue)
    }

    /// Sends the card. Dies here: the next attempt finds an unknown intent and looks for the card.
    async fn send(&self) -> JobResult {
        let posted = self
            .sink
            .bot
            .post_card(
                &self.target,
                &self.card.content,
                &self.card.summary,
                self.bot.errand(),
            )
            .await;
        match posted {
            Ok(receipt) => {
                let confirmed = self.confirm(&receipt.conversation_id, "announced").await;
                self.count_if(&confirmed, Effect::Confirmed);
                confirmed
            }
            Err(error) => Err(self.failed(error).await?),
        }
    }

    /// Dies here: the card is posted, and the next attempt finds it by its marker.
    async fn confirm(&self, receipt: &str, note: &str) -> JobResult {
        let effect = &self.job.payload.effect;
        let confirmed = self.context.queue.confirm(&self.job.lease, effect, receipt);
        confirmed.await.map_err(fault::queue)?;
        let step = tell::step(self.context, self.job, StepWord::Announced);
        self.context.trail.tell(step.because(receipt));
        counts::end_to_end(self.job, self.context.clock.now());
        Ok(Completion::noted(note))
    }

    fn count(&self, effect: Effect) {
        counts::effect(&self.job.payload, effect);
    }

    fn count_if(&self, done: &JobResult, effect: Effect) {
        if done.is_ok() {
            self.count(effect);
        }
    }

    fn not_announced(&self, why: &str) -> Completion {
        let step = tell::step(self.context, self.job, StepWord::NotAnnounced);
        self.context.trail.tell(step.because(why));
        self.count(Effect::Known);
        Completion::noted(why)
    }

    async fn failed(&self, error: Error) -> Result<JobError, JobError> {
        if matches!(error, Error::NotFound { .. }) {
            self.sink.targets.forget(&self.target);
        }
        if error.proves_nothing_was_done() {
            let withdrawn = self.withdraw();
            withdrawn.await.map_err(fault::queue)?;
            self.count(Effect::Withdrawn);
        } else {
            self.count(Effect::Unknown);
        }
        // The intent stays: the next attempt waits until the card must be visible, and looks for it.
        Ok(self.bot.fault(error).await)
    }

    async fn withdraw(&self) -> Result<bool, signalbox_queue::QueueError> {
        let effect = &self.job.payload.effect;
        self.context.queue.withdraw(&self.job.lease, effect).await
    }
}
