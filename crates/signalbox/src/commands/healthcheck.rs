//! `signalbox healthcheck`: for containers and scripts, asks the role on `observe.bind` whether it is well.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use serde_json::json;

use super::output;
use crate::cli::Global;

const TIMEOUT: Duration = Duration::from_secs(3);
const CHECKS: [&str; 2] = ["livez", "readyz"];

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let address = global.load()?.observe.bind;
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    let mut trouble = None;
    for check in CHECKS {
        if let Some(found) = ask(&client, address, check).await {
            trouble = Some(format!("{check}: {address} {found}"));
            break;
        }
    }
    if global.json {
        output::json(&json!({ "well": trouble.is_none(), "trouble": trouble }))?;
    } else {
        output::line(trouble.as_deref().unwrap_or("well"))?;
    }
    Ok(output::answer(trouble.is_none()))
}

/// What is wrong, if anything is.
async fn ask(client: &reqwest::Client, address: SocketAddr, check: &str) -> Option<String> {
    match client.get(format!("http://{address}/{check}")).send().await {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(format!("answered {}", answer.status())),
        Err(error) => Some(format!("did not answer: {:#}", anyhow::Error::from(error))),
    }
}
