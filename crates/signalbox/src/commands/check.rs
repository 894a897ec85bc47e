//! `signalbox check`: what would fail, why, and what to do about it, before it fails.
//!
//! Every finding names a subject, a verdict, the most likely cause and the next action.

mod business_central;
mod clock;
mod finding;
mod handshake;
mod online;
mod redis;
mod secrets;
mod way_in;

use std::process::ExitCode;

use signalbox_config::{Config, Environment};
use signalbox_jobs::{Cards, Routes};

use self::finding::{Finding, Verdict};
use super::output;
use crate::{assembly::Store, cli::Global};

pub(crate) async fn run(global: &Global, online: bool) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let mut findings = vec![Finding::ok("configuration", "every setting can be used")];
    findings.extend(routes(&config));
    findings.extend(way_in::findings(&config).await);
    findings.extend(secrets::findings(&config));
    let environment = Environment::from_process();
    let path = environment.variable("PATH").unwrap_or_default();
    match Store::connect(&config, path).await {
        Ok(store) => {
            findings.extend(redis::findings(&config, &store).await);
            findings.extend(clock::redis(&store).await);
            if online {
                findings.extend(online::findings(&config, &store).await);
            }
            store.close().await;
        }
        Err(error) => {
            let next = "correct the section `[redis]`, or the server";
            findings.push(Finding::of_error("redis", &error, next));
        }
    }
    // Asked without Redis: what it says about the way in holds all the same.
    if online {
        findings.extend(clock::microsoft(&config).await);
        findings.extend(handshake::finding(&config).await);
    }
    print(global, &findings)?;
    let trouble = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Trouble);
    Ok(output::answer(!trouble))
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
        Ok(routes) if routes.iter().next().is_none() => vec![Finding::warning(
            "routes",
            "nothing is announced, because there is no route",
            "add a `[routes.NAME]`; the README shows one",
        )],
        Ok(routes) => vec![Finding::ok(
            "routes",
            format!("{} can be used", routes.iter().count()),
        )],
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
