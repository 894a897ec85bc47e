//! Asking every configured system: the token, the company, and every channel that a route names.

use signalbox_config::{Companies, Company, Config};
use signalbox_jobs::Context;
use signalbox_microsoft::{Errand, Error, company_by_id, company_by_name};
use signalbox_queue::Trail;

use super::Finding;
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
    let mut findings = sources(&context).await;
    findings.extend(channels(&context).await);
    findings
}

async fn sources(context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in context.sources.iter() {
        let subject = format!("connections.{}", source.connection);
        let listed = match source.client.companies(Errand::default()).await {
            Ok(listed) => listed,
            Err(error) => {
                findings.push(trouble(subject, &error));
                continue;
            }
        };
        let Companies::Named(named) = &source.companies else {
            let found = format!("{} companies in `{}`", listed.len(), source.environment);
            findings.push(Finding::ok(subject, found));
            continue;
        };
        findings.extend(named.iter().map(|wanted| {
            let found = match wanted {
                Company::Id(id) => company_by_id(&listed, *id),
                Company::Name(name) => company_by_name(&listed, name),
            };
            match found {
                Ok(company) => Finding::ok(
                    subject.clone(),
                    format!("the company is `{}`", company.name),
                ),
                Err(error) => trouble(subject.clone(), &error),
            }
        }));
    }
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

fn trouble(subject: String, error: &Error) -> Finding {
    let mut cause = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    Finding::trouble(subject, cause, error.next_step())
}
