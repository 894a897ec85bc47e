//! Two builds of the program on one Redis, under load: the ingress of one with the worker of the other, both ways, and
//! workers of both at the same time.
//!
//! Roles are replaced as in an upgrade: a newcomer starts before the one that it replaces is told to stop. Only the
//! ingress goes first, because its port is the same; what comes meanwhile is sent again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use signalbox_sim::Traffic;

use super::{Criterion, Size, count, killing};
use crate::{
    RedisServer,
    fleet::{Fleet, Process, Setting, program},
};

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Previous,
    This,
}

use Build::{Previous, This};

/// Who works, stage by stage: the ingress and the workers.
const STAGES: [(Build, &[Build]); 6] = [
    (Previous, &[Previous]),
    (Previous, &[Previous, This]),
    (Previous, &[This]),
    (This, &[Previous]),
    (This, &[Previous, This]),
    (This, &[This]),
];

pub(super) async fn play(size: Size, previous: Option<&Path>) -> Result<Vec<Criterion>> {
    let this = program("signalbox")?;
    let previous = match (previous, size) {
        (Some(previous), _) => previous.to_owned(),
        (None, Size::Reduced) => this.clone(),
        (None, Size::Full) => {
            return Err(anyhow::anyhow!(
                "there is no program of another commit; `cargo xtask prove queue` builds it"
            ));
        }
    };
    let redis = RedisServer::start();
    let fleet = Fleet::prepare_on(Setting::default(), &redis).await?;
    let mut house = House::open(&fleet, previous, this)?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let traffic = fleet.sim.start_traffic(Traffic {
        rate_per_sec: 40.0,
        ..Traffic::default()
    });
    let cards = size.pick(200, 10);
    let mut played = 0;
    for (ingress, workers) in STAGES {
        house.become_(ingress, workers).await?;
        delivers(&fleet, cards).await?;
        played += 1;
    }
    traffic.stop();
    let verdict = fleet.drain(&queue).await?;
    let mut criteria = vec![Criterion::exactly(
        "side-by-side: stages in which cards were delivered",
        played,
        count(STAGES.len()),
    )];
    criteria.extend(killing::judged("side-by-side", &fleet, &verdict).await?);
    house.close().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

/// Waits until this stage has delivered some cards.
async fn delivers(fleet: &Fleet, cards: u64) -> Result<()> {
    let before = fleet.sim.effect_count();
    fleet
        .until("cards are delivered", async || {
            fleet.sim.effect_count() >= before + cards
        })
        .await
}

/// The roles that run.
struct House<'a> {
    fleet: &'a Fleet,
    previous: PathBuf,
    this: PathBuf,
    ingress: Option<(Build, Process)>,
    workers: Vec<(Build, Process)>,
}

impl<'a> House<'a> {
    /// As it was before the upgrade.
    fn open(fleet: &'a Fleet, previous: PathBuf, this: PathBuf) -> Result<Self> {
        let mut house = Self {
            fleet,
            previous,
            this,
            ingress: None,
            workers: Vec::new(),
        };
        house.ingress = Some((Previous, house.start(Previous, "ingress")?));
        house
            .workers
            .push((Previous, house.start(Previous, "worker")?));
        Ok(house)
    }

    /// Replaces whoever is not wanted any more.
    async fn become_(&mut self, ingress: Build, workers: &[Build]) -> Result<()> {
        for wanted in workers {
            if !self.workers.iter().any(|(build, _)| build == wanted) {
                let worker = self.start(*wanted, "worker")?;
                self.workers.push((*wanted, worker));
            }
        }
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(&mut self.workers)
            .into_iter()
            .partition(|(build, _)| workers.contains(build));
        self.workers = stay;
        for (_, worker) in leave {
            worker.stop().await?;
        }
        self.replace_ingress(ingress).await
    }

    async fn replace_ingress(&mut self, wanted: Build) -> Result<()> {
        let (build, ingress) = self.ingress.take().context("there is an ingress")?;
        if build == wanted {
            self.ingress = Some((build, ingress));
            return Ok(());
        }
        ingress.stop().await?;
        self.ingress = Some((wanted, self.start(wanted, "ingress")?));
        let listens = async || self.fleet.listens().await;
        self.fleet.until("the ingress listens", listens).await
    }

    async fn close(self) -> Result<()> {
        for (_, role) in self.workers.into_iter().chain(self.ingress) {
            role.stop().await?;
        }
        Ok(())
    }

    fn start(&self, build: Build, role: &str) -> Result<Process> {
        let program = match build {
            Previous => &self.previous,
            This => &self.this,
        };
        self.fleet.start_of(program, role)
    }
}
