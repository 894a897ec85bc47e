//! A real Prometheus on a running system: while all is well every question of the dashboards has an answer and no alert
//! is raised; once a lane is closed and another is broken, so have those about faults, and their alerts are raised.

mod answers;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::Result;
use signalbox_sim::{Fault, FaultKind, RetryAfter, Traffic, TrafficHandle};
use tokio::time::sleep;

use self::answers::Answers;
use super::{Criterion, Size, count};
use crate::{
    fleet::{Fleet, Process, Setting},
    watching::{Dashboard, Prometheus, Question, Watched, dashboards, figures, shipped},
};

const WORKERS: usize = 2;
/// Much more often than in life, where it is every 15 s.
const EVERY: Duration = Duration::from_millis(500);
/// The range behind each point of a rate.
const RANGE: &str = "20s";
/// Longer than the half hour from which on a closed lane is an alert.
const CLOSED: u64 = 3_600;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let house = House::open(size).await?;
    let traffic = house.business(size);
    let mut criteria = house.well(size).await?;
    criteria.extend(house.unwell().await?);
    criteria.extend(house.named().await?);
    traffic.stop();
    house.close().await?;
    Ok(criteria)
}

/// An ingress and workers under the eyes of a Prometheus.
struct House {
    prometheus: Prometheus,
    roles: Vec<Process>,
    /// Last, so that it is dropped after its processes.
    fleet: Fleet,
}

impl House {
    async fn open(size: Size) -> Result<Self> {
        let fleet = Fleet::prepare(Setting {
            channels: size.pick(40, 4),
            lease_secs: 10,
            real_subscriptions: true,
            ..Setting::default()
        })
        .await?;
        let (ingress, address) = fleet.start_observed("ingress")?;
        let mut watched = Watched {
            ingresses: vec![address],
            workers: Vec::new(),
            every: EVERY,
        };
        let mut roles = vec![ingress];
        for _ in 0..WORKERS {
            let (worker, address) = fleet.start_observed("worker")?;
            watched.workers.push(address);
            roles.push(worker);
        }
        fleet.ready().await?;
        Ok(Self {
            prometheus: Prometheus::start(&watched)?,
            roles,
            fleet,
        })
    }

    fn business(&self, size: Size) -> TrafficHandle {
        self.fleet.sim.start_traffic(Traffic {
            rate_per_sec: size.pick(40.0, 20.0),
            purchasers: size.pick(40, 4),
            ..Traffic::default()
        })
    }

    /// What is seen while nothing is wrong.
    async fn well(&self, size: Size) -> Result<Vec<Criterion>> {
        let wanted = [
            ("ingress".to_owned(), 1),
            ("worker".to_owned(), count(WORKERS)),
        ];
        self.fleet
            .until(
                "prometheus finds every process",
                async || matches!(self.prometheus.up().await, Ok(up) if up == wanted),
            )
            .await?;
        // Before its first look it misses everybody, and for less than a minute that is no alert.
        let found = Instant::now();
        let questions: Vec<Question> = questions()?;
        let about_life = questions.iter().filter(|one| !one.is_about_a_fault());
        let answers = Answers::to(&self.prometheus, about_life, RANGE).await;
        sleep(size.pick(Duration::from_secs(60), Duration::ZERO)).await;
        let judged = self.judged_rules().await?;
        let raised = self.prometheus.alerts_since(found).await?;
        let slowest = self.prometheus.slowest_scrape(found).await?;
        Ok(vec![
            Criterion::told(
                "watched: questions of the dashboards",
                count(questions.len()),
            ),
            none("watched: questions that are refused", &answers.refused),
            none("watched: questions without an answer", &answers.missing),
            judged,
            none("watched: alerts while all is well", &raised),
            Criterion::told_ms("watched: slowest scrape", slowest),
        ])
    }

    /// Every rule has been looked at and can be.
    async fn judged_rules(&self) -> Result<Criterion> {
        let mut bad = BTreeSet::new();
        self.fleet
            .until("prometheus has looked at every rule", async || {
                let rules = self.prometheus.rules().await.unwrap_or_default();
                let health =
                    |wanted: &'static str| rules.iter().filter(move |(_, health)| health == wanted);
                bad = health("err").map(|(name, _)| name.clone()).collect();
                !rules.is_empty() && health("unknown").count() == 0
            })
            .await?;
        Ok(none("watched: rules that cannot be looked at", &bad))
    }

    /// What is seen once a lane is closed and others are broken.
    async fn unwell(&self) -> Result<Vec<Criterion>> {
        let sim = &self.fleet.sim;
        let begun = Instant::now();
        let throttle = FaultKind::Throttle(RetryAfter::Secs(CLOSED));
        sim.add_fault(Fault::on("bot.post", throttle).times(1));
        let wants = |name: &'static str| async move {
            let raised = async || {
                let raised = self.prometheus.alerts_since(begun).await;
                raised.is_ok_and(|raised| raised.contains(name))
            };
            self.fleet.until(&format!("{name} is raised"), raised).await
        };
        wants("SignalboxLaneClosedLong").await?;
        // A token that serves for nothing: everything that reads waits for a person.
        sim.rotate_secret("another");
        sim.revoke_tokens();
        wants("SignalboxLaneBroken").await?;
        let questions = questions()?;
        let about_faults = questions.iter().filter(|one| one.is_about_a_fault());
        let answers = Answers::to(&self.prometheus, about_faults, RANGE).await;
        Ok(vec![
            Criterion::told("watched: questions about faults", count(answers.asked)),
            none(
                "watched: questions about faults that are refused",
                &answers.refused,
            ),
            none(
                "watched: questions about faults without an answer",
                &answers.missing,
            ),
        ])
    }

    /// What is served is looked at somewhere, and what is looked at is served.
    async fn named(&self) -> Result<Vec<Criterion>> {
        let served = self.prometheus.figures().await?;
        let shown: String = questions()?
            .into_iter()
            .map(|one| one.written + "\n")
            .collect();
        let shown = figures(&shown);
        let judged = figures(&shipped("deploy/prometheus/rules.yml")?);
        let unseen: BTreeSet<String> = served.difference(&shown).cloned().collect();
        let unknown: BTreeSet<String> = judged.difference(&served).cloned().collect();
        Ok(vec![
            Criterion::told("watched: figures that are served", count(served.len())),
            none("watched: figures on no dashboard", &unseen),
            none("watched: figures in rules that nobody serves", &unknown),
        ])
    }

    async fn close(self) -> Result<()> {
        drop(self.prometheus);
        for role in self.roles {
            role.stop().await?;
        }
        self.fleet.is_abandoned().await
    }
}

fn questions() -> Result<Vec<Question>> {
    let boards = dashboards()?;
    Ok(boards.iter().flat_map(Dashboard::questions).collect())
}

/// Something of which there must be none, with the names of those that there are.
fn none(what: &str, names: &BTreeSet<String>) -> Criterion {
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    let what = format!("{what} {}", listed.join(", "));
    Criterion::none(what.trim_end(), count(names.len()))
}
