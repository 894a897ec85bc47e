//! More sets of more companies than an environment has subscriptions for: what finds no room polls, and the log says so.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;
use signalbox_sim::{SimConfig, SimHandle, Target};
use uuid::Uuid;

use super::{
    super::{Criterion, Size, count},
    hands::Hands,
    house::House,
    kinds::{self, Kind},
    looks, plan,
};
use crate::fleet::Fleet;

/// So long does a subscription live, whatever the time scale: within a third of it everything has begun.
const LIFE: Duration = Duration::from_secs(60);
const TIME_SCALE: f64 = 0.01;

pub(in crate::scenarios) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let house = House {
        companies: size.pick(20, 4),
        kinds: kinds::ALL.iter().take(size.pick(10, 5)).collect(),
        time_scale: TIME_SCALE,
        connection: String::new(),
        log_level: "info",
    };
    let wanted = house.companies * house.kinds.len();
    // Of as many as are wanted, others have some already: 200 and 30.
    let others = wanted * 3 / 20;
    let room = wanted - others;
    let house = House {
        connection: format!("max_subscriptions = {wanted}"),
        ..house
    };
    let fleet = house.build(crowded(house.cloud(), wanted, others)).await?;
    let roles = [fleet.start("ingress")?, fleet.start("worker")?];
    fleet.ready().await?;
    let mut most = 0;
    fleet
        .until("every subscription was made and renewed", async || {
            most = most.max(fleet.sim.subscriptions().len());
            renewed(&fleet.sim) >= room
        })
        .await?;
    let polled = polled(&fleet.sim, &house);
    let mut criteria = of_subscriptions(&fleet, most, (wanted, others));
    let told = polled
        .iter()
        .filter(|(company, kind)| is_told(&fleet, *company, kind.set));
    let told = count(told.count());
    let (cards, changes) = announced_by_polls(&fleet, &house, &polled).await?;
    criteria.extend([
        Criterion::exactly(
            "many: sets that poll instead",
            count(polled.len()),
            count(others),
        ),
        Criterion::exactly("many: of which the log says so", told, count(others)),
        Criterion::exactly("many: changes in them that have a card", cards, changes),
    ]);
    for role in roles {
        role.stop().await?;
    }
    fleet.is_abandoned().await?;
    Ok(criteria)
}

/// `most` of our subscriptions were there at the same time.
fn of_subscriptions(
    fleet: &Fleet,
    most: usize,
    (wanted, others): (usize, usize),
) -> Vec<Criterion> {
    let (verdict, webhooks) = (fleet.sim.verdict(), fleet.sim.webhook_counts());
    let room = count(wanted - others);
    let (now, renewed) = (fleet.sim.subscriptions().len(), renewed(&fleet.sim));
    vec![
        Criterion::exactly("many: sets of companies", count(wanted), count(wanted)),
        Criterion::exactly("many: subscriptions", count(now), room),
        Criterion::at_most(
            "many: subscriptions at any time",
            count(most + others),
            count(wanted),
        ),
        Criterion::none(
            "many: subscriptions asked for beyond those",
            webhooks.refused_by_limit,
        ),
        Criterion::none(
            "many: subscriptions of others that were touched",
            webhooks.others_deleted,
        ),
        Criterion::at_least("many: subscriptions renewed", count(renewed), room),
        Criterion::none("many: requests over a limit", verdict.limit_violations),
        Criterion::at_most(
            "many: requests at the same time",
            count(fleet.sim.most_at_once()),
            5,
        ),
    ]
}

fn crowded(cloud: SimConfig, most: usize, others: usize) -> SimConfig {
    SimConfig {
        max_subscriptions: most,
        occupied_subscriptions: others,
        subscription_life: LIFE.div_f64(TIME_SCALE),
        ..cloud
    }
}

/// How many subscriptions were renewed because so much of their life was over.
fn renewed(sim: &SimHandle) -> usize {
    let requests = sim.requests().into_iter();
    let renewals = requests.filter(|request| {
        let (target, status) = (request.target, request.status);
        target == Target::BcSubscriptions && request.method == "PATCH" && status == Some(200)
    });
    let renewals: Vec<_> = renewals.collect();
    let is_renewed = |subscription: &Value| {
        let text = |name: &str| subscription[name].as_str().unwrap_or_default().to_owned();
        let (id, made) = (text("subscriptionId"), text("systemCreatedAt"));
        let due = made
            .parse()
            .ok()
            .and_then(|made: Timestamp| made.checked_add(LIFE / 4).ok());
        let mut own = renewals.iter().filter(|renewal| renewal.path.contains(&id));
        own.any(|renewal| due.is_some_and(|due| renewal.at >= due))
    };
    let subscriptions = sim.subscriptions().into_iter();
    subscriptions.filter(is_renewed).count()
}

/// The sets of companies without a subscription.
fn polled(sim: &SimHandle, house: &House) -> Vec<(Uuid, &'static Kind)> {
    let subscriptions = sim.subscriptions().into_iter();
    let resources: Vec<String> = subscriptions
        .filter_map(|one| one["resource"].as_str().map(str::to_owned))
        .collect();
    let notified = |company: Uuid, set: &str| {
        let end = format!("companies({company})/{set}");
        resources.iter().any(|resource| resource.ends_with(&end))
    };
    let all = house.ids().into_iter();
    let all = all.flat_map(|company| house.kinds.iter().map(move |kind| (company, *kind)));
    all.filter(|(company, kind)| !notified(*company, kind.set))
        .collect()
}

/// Whether the log of the worker says of the set that it is polled instead.
fn is_told(fleet: &Fleet, company: Uuid, set: &str) -> bool {
    let log = fleet.log("worker");
    let mut lines = log
        .lines()
        .filter(|line| line.contains("is polled instead"));
    let entity = format!("entity=\"{set}\"");
    lines.any(|line| line.contains(&entity) && line.contains(&company.to_string()))
}

/// Makes a record in each of the sets that are polled. Returns how many of them have their card, and how many ought to.
async fn announced_by_polls(
    fleet: &Fleet,
    house: &House,
    polled: &[(Uuid, &'static Kind)],
) -> Result<(u64, u64)> {
    let reader = house.reader();
    let ids = house.ids();
    let hands = Hands::new(&fleet.sim, &ids);
    let mut keys = HashSet::new();
    for (place, (company, kind)) in polled.iter().enumerate() {
        let script = plan::one(kind, ids.iter().position(|id| id == company).unwrap_or(0));
        for change in &script.changes {
            keys.insert(hands.make(place, &script, None, *change)?.key);
        }
    }
    let announced = || {
        let effects = fleet.sim.effects();
        effects
            .iter()
            .filter_map(|effect| reader.read(effect))
            .filter(|key| keys.contains(key))
            .count()
    };
    let all = fleet.until("the polls have found every change", async || {
        announced() >= keys.len()
    });
    drop(all.await);
    looks::nothing_waits(fleet).await?;
    Ok((count(announced()), count(keys.len())))
}
