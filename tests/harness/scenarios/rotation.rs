//! The master key is rotated while business goes on: roles are replaced one by one where the order of a rotation asks
//! for it, and the others take up the changed file by themselves.
//!
//! Before each stage every token is made worthless, so that each worker has to open its sealed secret again in it.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use signalbox_sim::{Target, Traffic};

use super::{Criterion, Size, count, killing};
use crate::fleet::{Fleet, Process, Setting};

/// 32 bytes in base64, as are the next two.
const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
/// Also sealed: what jobs carry is sealed with it, so the ingress needs the master key as well.
const PAYLOADS: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

/// What the configuration says of the keys at first; changed by stages.
const ONLY_OLD: &str = "master_key = { file = \"old.key\" }";
const BOTH: &str =
    "master_key = { file = \"new.key\" }\nprevious_master_keys = [{ file = \"old.key\" }]";
const ONLY_NEW: &str = "master_key = { file = \"new.key\" }";

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let fleet = Fleet::prepare(Setting::default()).await?;
    seal_secrets(&fleet).await?;
    let mut house = House::open(&fleet)?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let traffic = fleet.sim.start_traffic(Traffic {
        rate_per_sec: 40.0,
        ..Traffic::default()
    });
    let cards = size.pick(200, 15);
    house.delivers(cards).await?;
    fleet.configure(|text| text.replace(ONLY_OLD, BOTH))?;
    house.replace().await?;
    house.delivers(cards).await?;
    let (code, rotation) = fleet.ask("secrets rotate").await?;
    ensure!(code == 0, "the rotation failed: {rotation}");
    house.delivers(cards).await?;
    fleet.configure(|text| text.replace(BOTH, ONLY_NEW))?;
    house.replace().await?;
    house.delivers(cards).await?;
    traffic.stop();
    let verdict = fleet.drain(&queue).await?;
    let (tried, failed) = attempts(&fleet).await?;
    let mut criteria = vec![
        Criterion::exactly("key-rotated: stages with cards", house.stages, 4),
        Criterion::exactly(
            "key-rotated: data keys that were wrapped anew",
            rotation["rewrapped"].as_u64().unwrap_or_default(),
            2,
        ),
        Criterion::at_least("key-rotated: jobs with attempts", tried, 20),
        Criterion::none("key-rotated: failed attempts", failed),
        Criterion::none("key-rotated: secrets not looked up", troubles(&fleet)),
        Criterion::exactly(
            "key-rotated: needs the old key",
            old_opens(&fleet).await?,
            0,
        ),
    ];
    criteria.extend(killing::judged("key-rotated", &fleet, &verdict).await?);
    house.close().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

/// Both secrets of the fleet sealed under the old key, and the configuration that names them.
async fn seal_secrets(fleet: &Fleet) -> Result<()> {
    fs::write(fleet.path("old.key"), OLD)?;
    fs::write(fleet.path("new.key"), NEW)?;
    let plain = format!("\"{}\"", fleet.sim.config().client_secret);
    fleet.configure(|text| {
        let keys =
            "[redis]\npayload_keys = [{ id = \"one\", secret = { sealed = \"payloads\" } }]\n";
        let text = text
            .replace("allow_plain_secrets = true\n", "")
            .replace(&plain, "{ sealed = \"sim\" }")
            .replace("[redis]\n", keys);
        format!("{text}\n[secrets]\n{ONLY_OLD}\n")
    })?;
    for (name, value) in [
        ("sim", fleet.sim.config().client_secret.as_str()),
        ("payloads", PAYLOADS),
    ] {
        let ended = fleet.tell(&["secrets", "set", name], value).await?;
        ensure!(ended.code == 0, "`{name}` was not sealed: {ended:?}");
    }
    Ok(())
}

/// The roles, at work.
struct House<'a> {
    fleet: &'a Fleet,
    ingress: Option<Process>,
    worker: Option<Process>,
    stages: u64,
}

impl<'a> House<'a> {
    fn open(fleet: &'a Fleet) -> Result<Self> {
        Ok(Self {
            fleet,
            ingress: Some(fleet.start("ingress")?),
            worker: Some(fleet.start("worker")?),
            stages: 0,
        })
    }

    /// Waits until the secret was opened again and some cards have come since.
    async fn delivers(&mut self, cards: u64) -> Result<()> {
        let tokens = || {
            let requests = self.fleet.sim.requests();
            let asked = requests.iter().map(|request| request.target);
            asked.filter(|one| *one == Target::EntraToken).count()
        };
        let before = (tokens(), self.fleet.sim.effect_count() + cards);
        self.fleet.sim.revoke_tokens();
        self.fleet
            .until("a token is asked for and cards are delivered", async || {
                tokens() > before.0 && self.fleet.sim.effect_count() >= before.1
            })
            .await?;
        self.stages += 1;
        Ok(())
    }

    /// Replaces one role after the other, as an upgrade would.
    async fn replace(&mut self) -> Result<()> {
        let newcomer = self.fleet.start("worker")?;
        let worker = self.worker.replace(newcomer);
        worker.context("there is a worker")?.stop().await?;
        let ingress = self.ingress.take();
        ingress.context("there is an ingress")?.stop().await?;
        self.ingress = Some(self.fleet.start("ingress")?);
        let listens = async || self.fleet.listens().await;
        self.fleet.until("the ingress listens", listens).await
    }

    async fn close(self) -> Result<()> {
        for role in self.worker.into_iter().chain(self.ingress) {
            role.stop().await?;
        }
        Ok(())
    }
}

/// Jobs that were tried, of all that there are and were, and their attempts beyond the first.
async fn attempts(fleet: &Fleet) -> Result<(u64, u64)> {
    let (mut tried, mut failed) = (0, 0);
    let mut command = "jobs list --limit 1000".to_owned();
    loop {
        let (_, page) = fleet.ask(&command).await?;
        let jobs = page["jobs"].as_array().context("a page has jobs")?;
        for attempts in jobs.iter().filter_map(|job| job["attempt"].as_u64()) {
            tried += attempts.min(1);
            failed += attempts.saturating_sub(1);
        }
        match &page["next"] {
            Value::String(next) => command = format!("jobs list --limit 1000 --after {next}"),
            _ => return Ok((tried, failed)),
        }
    }
}

/// How often a role could not open a secret that it had opened before.
fn troubles(fleet: &Fleet) -> u64 {
    let logs = ["worker.log", "ingress.log"].map(|log| fs::read_to_string(fleet.path(log)));
    let logs = logs.into_iter().flatten();
    logs.map(|log| count(log.matches("cannot be looked up any more").count()))
        .sum()
}

/// Secrets that the old key alone still opens.
async fn old_opens(fleet: &Fleet) -> Result<u64> {
    fleet.configure(|text| text.replace(ONLY_NEW, ONLY_OLD))?;
    let (_, old) = fleet.ask("secrets list").await?;
    fleet.configure(|text| text.replace(ONLY_OLD, ONLY_NEW))?;
    let rows = old.as_array().context("the list is a list")?;
    ensure!(rows.len() == 2, "not both secrets are listed: {old}");
    Ok(count(
        rows.iter().filter(|row| row["trouble"].is_null()).count(),
    ))
}
