//! A real Prometheus with the rules and the configuration that are shipped, on a folder and a port of its own.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{place, shipped};
use crate::fleet::free_address;

const SHIPPED: &str = "deploy/prometheus/prometheus.yml";

/// Where the processes are that it watches.
#[derive(Debug, Clone)]
pub struct Watched {
    /// `observe.bind` of each ingress.
    pub ingresses: Vec<SocketAddr>,
    /// `observe.bind` of each worker.
    pub workers: Vec<SocketAddr>,
    /// How often they are asked, and the rules are looked at.
    pub every: Duration,
}

/// A running Prometheus. It ends with its handle.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    client: reqwest::Client,
    _child: Child,
    dir: TempDir,
}

impl Prometheus {
    /// Starts it; it may not answer yet.
    pub fn start(watched: &Watched) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let config = dir.path().join("prometheus.yml");
        fs::write(&config, configuration(&shipped(SHIPPED)?, watched)?)?;
        let address = free_address();
        let log = fs::File::create(dir.path().join("prometheus.log"))?;
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .context("`prometheus` cannot be run; `cargo xtask test` sees to it")?;
        Ok(Self {
            address,
            client: crate::client(),
            _child: child,
            dir,
        })
    }

    /// How many of what it watches answer, as `job` and count.
    pub async fn up(&self) -> Result<Vec<(String, u64)>> {
        let found = self.ask("sum by (job) (up)").await?;
        let one = |one: &Value| {
            let job = one["metric"]["job"].as_str().unwrap_or_default().to_owned();
            let count = one["value"][1].as_str().and_then(|text| text.parse().ok());
            (job, count.unwrap_or(0))
        };
        Ok(found.iter().map(one).collect())
    }

    /// What an expression gives: each series with its labels and a number. What is no number is no answer.
    pub async fn ask(&self, expression: &str) -> Result<Vec<Value>> {
        let answer = self.get("query", &[("query", expression)]).await?;
        let series = answer["result"].as_array().cloned().unwrap_or_default();
        Ok(series
            .into_iter()
            .filter(|one| one["value"][1] != "NaN")
            .collect())
    }

    /// The alerts that were pending or firing at some time since `then`.
    pub async fn alerts_since(&self, then: Instant) -> Result<BTreeSet<String>> {
        let range = then.elapsed().as_millis();
        let raised = format!("count by (alertname) (count_over_time(ALERTS[{range}ms]))");
        let found = self.ask(&raised).await?;
        let name = |one: &Value| Some(one["metric"]["alertname"].as_str()?.to_owned());
        Ok(found.iter().filter_map(name).collect())
    }

    /// How long a process took at most to answer it since `then`, in milliseconds.
    pub async fn slowest_scrape(&self, then: Instant) -> Result<f64> {
        let range = then.elapsed().as_millis();
        let slowest = format!("max(max_over_time(scrape_duration_seconds[{range}ms]))");
        let found = self.ask(&slowest).await?;
        let seconds = found.first().and_then(|one| one["value"][1].as_str());
        let seconds: f64 = seconds.context("nothing was scraped")?.parse()?;
        Ok(seconds * 1e3)
    }

    /// What it thinks of each rule: its name and `ok`, `err` or `unknown`.
    pub async fn rules(&self) -> Result<Vec<(String, String)>> {
        let answer = self.get("rules", &[]).await?;
        let groups = answer["groups"].as_array().into_iter().flatten();
        let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(rules
            .map(|rule| (text(&rule["name"]), text(&rule["health"])))
            .collect())
    }

    /// The names of everything of ours that it was told.
    pub async fn figures(&self) -> Result<BTreeSet<String>> {
        let names = self.get("label/__name__/values", &[]).await?;
        Ok(super::figures(&names.to_string()))
    }

    async fn get(&self, what: &str, query: &[(&str, &str)]) -> Result<Value> {
        let url = format!("http://{}/api/v1/{what}", self.address);
        let sent = self.client.get(url).query(query).send().await;
        let answer: Value = sent.with_context(|| self.last_words())?.json().await?;
        if answer["status"] != "success" {
            bail!("prometheus refuses {query:?}: {}", answer["error"]);
        }
        Ok(answer["data"].clone())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("prometheus.log"));
        format!(
            "prometheus does not answer; it said: {}",
            log.unwrap_or_default()
        )
    }
}

/// What is shipped, with other addresses and more often. What is not there to be replaced is an error, so that nothing
/// else is tried than what is shipped.
fn configuration(shipped: &str, watched: &Watched) -> Result<String> {
    let every = format!("{}ms", watched.every.as_millis());
    let rules = place("deploy/prometheus/rules.yml");
    let (head, worker) = shipped
        .split_once("    dns_sd_configs:\n")
        .context("the workers are not found by name")?;
    ensure!(
        worker.lines().all(|line| line.starts_with("      ")),
        "something comes behind the workers: {worker}"
    );
    let replaced = [
        ("15s", every),
        ("rules.yml", rules.display().to_string()),
        ("[\"ingress:9464\"]", targets(&watched.ingresses)),
    ];
    let mut text = head.to_owned();
    for (old, new) in replaced {
        ensure!(text.contains(old), "`{SHIPPED}` does not name `{old}`");
        text = text.replace(old, &new);
    }
    let workers = targets(&watched.workers);
    Ok(format!(
        "{text}    static_configs:\n      - targets: {workers}\n"
    ))
}

fn targets(addresses: &[SocketAddr]) -> String {
    let quoted: Vec<String> = addresses.iter().map(|one| format!("\"{one}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
