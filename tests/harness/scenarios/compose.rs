//! docker-compose.yml with the demo, as on a machine of its own: workers are added and taken away under load, one is
//! killed, and Redis is restarted.
//!
//! Needs a Docker engine. Where there is none, it says so and looks at nothing.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Criterion, Size, count};
use crate::containers::{Compose, Stack, docker};

const NAME: &str = "compose";

/// Where the image comes from.
mod image;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let stack = match Compose::with_engine().await {
        Ok(compose) => image::stack(compose, size).await?,
        Err(why) => Err(why),
    };
    let stack = match stack {
        Ok(stack) => stack,
        Err(why) => return Ok(vec![Criterion::skipped(NAME, why)]),
    };
    let mut house = House {
        stack,
        cards: size.pick(200, 20),
        stages: Vec::new(),
    };
    house.live(size.pick(4, 2)).await?;
    let mut criteria = house.judged().await?;
    criteria.push(image::size(house.stack.tag()).await?);
    let tag = house.stack.tag().to_owned();
    house.stack.down().await?;
    if size == Size::Reduced {
        docker(&["image", "rm", &format!("signalbox:{tag}")]).await?;
    }
    Ok(criteria)
}

/// The containers at work.
struct House {
    stack: Stack,
    /// What each stage has to deliver.
    cards: u64,
    /// What was done, and how many cards were delivered before anything else was.
    stages: Vec<(String, u64)>,
}

impl House {
    /// From one worker to `most` and back, with everything in between.
    async fn live(&mut self, most: usize) -> Result<()> {
        self.workers(1).await?;
        self.workers(most).await?;
        let workers = self.stack.running("worker").await?;
        let killed = workers.first().context("no worker runs")?;
        docker(&["kill", killed]).await?;
        self.delivers("a worker killed").await?;
        self.stack.run(&["restart", "redis"]).await?;
        self.delivers("redis restarted").await?;
        self.workers(1).await
    }

    async fn workers(&mut self, number: usize) -> Result<()> {
        self.stack.up(number).await?;
        let running = self.stack.running("worker").await?.len();
        anyhow::ensure!(
            running == number,
            "{running} workers run instead of {number}"
        );
        self.delivers(&format!("workers: {number}")).await
    }

    /// Waits until cards were delivered after `stage`.
    async fn delivers(&mut self, stage: &str) -> Result<()> {
        let before = self.delivered().await.unwrap_or(0);
        let enough = async || {
            let delivered = self.delivered().await;
            delivered.is_ok_and(|delivered| delivered >= before + self.cards)
        };
        let what = format!("cards are delivered ({stage})");
        self.stack.until(&what, enough).await?;
        let delivered = self.delivered().await? - before;
        self.stages.push((stage.to_owned(), delivered));
        Ok(())
    }

    async fn delivered(&self) -> Result<u64> {
        let verdict = self.stack.simulator("verdict").await?;
        verdict["delivered"]
            .as_u64()
            .context("a verdict without a count")
    }

    /// Stops the traffic, lets everything be delivered, and says what became of it.
    async fn judged(&self) -> Result<Vec<Criterion>> {
        self.stack.verb("stop-traffic", &json!({})).await?;
        // The source notifies in order, so with this one everything before it has been sent.
        let last = json!({ "purchaser": "P01" });
        self.stack.verb("post-purchase-invoice", &last).await?;
        let settled = async || self.is_settled().await.unwrap_or(false);
        self.stack.until("everything is delivered", settled).await?;
        let verdict = self.stack.simulator("verdict").await?;
        let dead = self.stack.ask("dead list").await?;
        let dead = dead["jobs"].as_array().map_or(0, Vec::len);
        let figure = |name: &str| verdict[name].as_u64().unwrap_or(u64::MAX);
        let found = |name: &str| verdict[name]["count"].as_u64().unwrap_or(u64::MAX);
        let gone = superseded(&verdict);
        let stages = self.stages.iter().map(|(stage, cards)| {
            let name = format!("{NAME}: cards, {stage}");
            Criterion::at_least(&name, *cards, self.cards)
        });
        let all = |name: &str| format!("{NAME}: {name}");
        Ok(stages
            .chain([
                Criterion::at_least(&all("cards delivered"), figure("delivered"), self.cards),
                Criterion::none(&all("lost"), found("lost").saturating_sub(gone)),
                Criterion::told(&all("statuses that were gone at the next read"), gone),
                Criterion::none(&all("duplicates"), found("duplicates")),
                Criterion::none(&all("unexpected"), found("unexpected")),
                Criterion::none(&all("dead"), count(dead)),
            ])
            .collect())
    }

    /// Whether every card that can still come is there, and no job waits but for later.
    async fn is_settled(&self) -> Result<bool> {
        let verdict = self.stack.simulator("verdict").await?;
        let lost = verdict["lost"]["count"].as_u64().unwrap_or(u64::MAX);
        if lost > superseded(&verdict) {
            return Ok(false);
        }
        let status = self.stack.ask("status").await?;
        let queues = status["queues"]
            .as_array()
            .context("a status without queues")?;
        let waits = |queue: &Value, state: &str| queue[state].as_u64() != Some(0);
        Ok(!queues.iter().any(|queue| {
            // The next renewal and the next looks are always scheduled.
            let perpetual = queue["queue"] == "renew" || queue["queue"] == "catch_up";
            let later = !perpetual && waits(queue, "scheduled");
            later || waits(queue, "ready") || waits(queue, "running")
        }))
    }
}

/// Statuses that were read once, and gone when their cards could have been made: nobody can be told of them.
fn superseded(verdict: &Value) -> u64 {
    let list = verdict["lost"]["list"].as_array();
    let list = list.into_iter().flatten();
    count(list.filter(|one| one["superseded"] == true).count())
}
