//! `signalbox healthcheck`: for containers and scripts, asks the role on `observe.bind` whether it is well.

use std::{process::ExitCode, time::Duration};

use super::output;
use crate::cli::Global;

const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let address = global.load()?.observe.bind;
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    for check in ["livez", "readyz"] {
        let answer = client.get(format!("http://{address}/{check}")).send().await;
        let well = answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success());
        if !well {
            let found = match answer {
                Ok(answer) => format!("answered {}", answer.status()),
                Err(error) => format!("did not answer: {error}"),
            };
            output::line(&format!("{check}: {address} {found}"))?;
            return Ok(ExitCode::FAILURE);
        }
    }
    output::line("well")?;
    Ok(ExitCode::SUCCESS)
}
