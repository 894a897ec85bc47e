//! `signalbox check`: what would fail, why, and what to do about it, before it fails.
//!
//! Every finding names a subject, a verdict, the most likely cause and the next action.

mod online;
mod secrets;

use std::process::ExitCode;

use serde::Serialize;
use signalbox_config::Config;
use signalbox_jobs::{Cards, Routes};

use super::{jobs::open, output};
use crate::{
    assembly::{Store, is_old},
    cli::Global,
};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Trouble,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    subject: String,
    verdict: Verdict,
    cause: String,
    next_action: String,
}

impl Finding {
    fn ok(subject: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, cause, "")
    }

    fn trouble(
        subject: impl Into<String>,
        cause: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        Self::new(subject, Verdict::Trouble, cause, next_action)
    }

    fn new(
        subject: impl Into<String>,
        verdict: Verdict,
        cause: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            cause: cause.into(),
            next_action: next_action.into(),
        }
    }
}

pub(crate) async fn run(global: &Global, online: bool) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let mut findings = vec![Finding::ok("configuration", "every setting can be used")];
    findings.extend(routes(&config));
    findings.push(public_url(&config));
    findings.extend(secrets::findings(&config));
    match open(global).await {
        Ok(store) => {
            findings.push(redis(&store).await);
            if online {
                findings.extend(online::findings(&config, &store).await);
            }
            store.close().await;
        }
        Err(error) => findings.push(Finding::trouble(
            "redis",
            format!("{error:#}"),
            "correct the section `[redis]`, or the server",
        )),
    }
    print(global, &findings)?;
    let trouble = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Trouble);
    Ok(if trouble {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn routes(config: &Config) -> Vec<Finding> {
    let compiled = Cards::shipped()
        .map_err(anyhow::Error::from)
        .and_then(|cards| Ok(Routes::compile(config, &cards)?));
    match compiled {
        Err(error) => vec![Finding::trouble(
            "routes",
            format!("{error:#}"),
            "correct the route in the configuration",
        )],
        Ok(routes) if routes.iter().next().is_none() => vec![Finding::new(
            "routes",
            Verdict::Warning,
            "nothing is announced, because there is no route",
            "add a `[routes.NAME]`; the README shows one",
        )],
        Ok(routes) => vec![Finding::ok(
            "routes",
            format!("{} can be used", routes.iter().count()),
        )],
    }
}

fn public_url(config: &Config) -> Finding {
    match &config.ingress.public_url {
        Some(url) => Finding::ok("ingress.public_url", format!("subscriptions name {url}")),
        None => Finding::new(
            "ingress.public_url",
            Verdict::Warning,
            "it is not set, so Business Central cannot notify us and this release hears of no change",
            "set it to the HTTPS address under which the ingress can be reached from outside",
        ),
    }
}

/// Its settings were checked when it was opened.
async fn redis(store: &Store) -> Finding {
    match store.queue.server_version().await {
        Ok(version) if is_old(&version) => Finding::trouble(
            "redis",
            format!("it is version {version}"),
            "install Redis 7.0 or later",
        ),
        Ok(version) => Finding::ok(
            "redis",
            format!("version {version} keeps what it acknowledges"),
        ),
        Err(error) => Finding::trouble("redis", error.to_string(), "see whether the server runs"),
    }
}

fn print(global: &Global, findings: &[Finding]) -> anyhow::Result<()> {
    if global.json {
        output::json(&serde_json::to_value(findings)?)?;
        return Ok(());
    }
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Trouble => "TROUBLE",
        };
        output::line(&format!(
            "{verdict}  {}: {}",
            finding.subject, finding.cause
        ))?;
        if !finding.next_action.is_empty() {
            output::line(&format!("         -> {}", finding.next_action))?;
        }
    }
    Ok(())
}
