//! Asking every configured system: Business Central in full, and every channel that a route names.

use signalbox_config::Config;
use signalbox_jobs::Context;
use signalbox_microsoft::{Errand, Error};
use signalbox_queue::Trail;

use super::{Finding, business_central};
use crate::assembly::{self, Store};

/// One finding per connection and per channel.
pub(super) async fn findings(config: &Config, store: &Store) -> Vec<Finding> {
    let context = match assembly::context(config, store.queue.clone(), Trail::nowhere()) {
        Ok(context) => context,
        Err(error) => {
            let next_action = "provide the secret, or correct the connection";
            return vec![Finding::trouble(
                "connections",
                format!("{error:#}"),
                next_action,
            )];
        }
    };
    let mut findings = Vec::new();
    for source in context.sources.iter() {
        findings.extend(business_central::findings(&context, source).await);
    }
    findings.extend(channels(&context).await);
    findings
}

async fn channels(context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for route in context.routes.iter() {
        let Some(sink) = context.sinks.get(&route.sink) else {
            continue;
        };
        let subject = format!("routes.{}", route.name);
        findings.push(
            match sink.targets.resolve(&route.to, Errand::default()).await {
                Ok(target) => Finding::ok(subject, format!("the channel is {}", target.channel_id)),
                Err(error) => trouble(subject, &error),
            },
        );
    }
    findings
}

/// An error with what to do about it.
pub(super) fn trouble(subject: String, error: &Error) -> Finding {
    let mut cause = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    Finding::trouble(subject, cause, error.next_step())
}
