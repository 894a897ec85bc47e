//! More changes in one window than are notified singly: the cloud sends one `collection`, what it names is held as a
//! group because it is a flood, and all of it is announced once a person says so.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use signalbox_sim::{RecordChange, SimConfig};

use super::{
    super::{Criterion, Size, count},
    house::House,
    kinds,
    values::Key,
};
use crate::fleet::Fleet;

const SET: &str = "items";

pub(in crate::scenarios) async fn play(size: Size) -> Result<Vec<Criterion>> {
    // The real threshold at full size; the limit of a flood is the shipped one at either.
    let threshold = size.pick(1_000, 250);
    let changes = threshold + 1;
    let house = House {
        companies: 1,
        kinds: vec![kinds::of(SET).context("it is one of the sets")?],
        time_scale: 0.01,
        // Nothing but the notification leads to the changes.
        connection: "poll_secs = 86400".to_owned(),
        log_level: "warn",
    };
    let cloud = SimConfig {
        collection_threshold: threshold,
        ..house.cloud()
    };
    let fleet = house.build(cloud).await?;
    let roles = [fleet.start("ingress")?, fleet.start("worker")?];
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    fleet.quiet(&queue).await?;
    for number in 0..changes {
        let name = serde_json::json!({ "displayName": format!("{}{number}", kinds::ALIAS) });
        fleet
            .sim
            .create_record(&RecordChange::of(SET).fields(name))?;
    }
    held(&fleet).await?;
    // The group is filled in several steps.
    fleet.quiet(&queue).await?;
    let flood = held(&fleet).await?;
    let before = fleet.sim.effect_count();
    let command = format!("jobs release --group {}", flood.group);
    let (code, _) = fleet.ask(&command).await?;
    ensure!(code == 0, "`{command}` ended with {code}");
    let all = count(changes);
    let arrived = fleet.until("every change has its card", async || {
        fleet.sim.effect_count() >= all
    });
    // What is missing is for the judge to tell.
    drop(arrived.await);
    fleet.quiet(&queue).await?;
    let told = flood.advice.contains(&format!("signalbox {command}"));
    let mut criteria = vec![
        Criterion::exactly("collection: held as a group", flood.jobs, all),
        Criterion::none("collection: cards before a person decides", before),
        Criterion::exactly("collection: status says what to do", u64::from(told), 1),
    ];
    criteria.extend(judged(&fleet, &house, all));
    for role in roles {
        role.stop().await?;
    }
    fleet.is_abandoned().await?;
    Ok(criteria)
}

fn judged(fleet: &Fleet, house: &House, all: u64) -> Vec<Criterion> {
    let reader = house.reader();
    let effects = fleet.sim.effects();
    let documents = effects.iter().filter_map(|effect| reader.read(effect));
    let documents: HashSet<Key> = documents.collect();
    vec![
        Criterion::exactly("collection: changes in one window", all, all),
        Criterion::exactly(
            "collection: notifications that name no record",
            notified(fleet, |change| change == "collection"),
            1,
        ),
        Criterion::none(
            "collection: notifications that name one",
            notified(fleet, |change| change != "collection"),
        ),
        Criterion::exactly(
            "collection: cards after the release",
            count(effects.len()),
            all,
        ),
        Criterion::exactly(
            "collection: records with a card",
            count(documents.len()),
            all,
        ),
    ]
}

/// What waits for a person.
struct Flood {
    group: String,
    jobs: u64,
    /// What `status` says to do about it.
    advice: String,
}

async fn held(fleet: &Fleet) -> Result<Flood> {
    let mut found = None;
    fleet
        .until("a flood is held", async || {
            let asked = fleet.ask("status").await;
            found = asked.ok().and_then(|(_, status)| flood(&status));
            found.is_some()
        })
        .await?;
    found.context("nothing is held")
}

fn flood(status: &Value) -> Option<Flood> {
    let mut groups = status["held"].as_array()?.iter();
    let (group, jobs) = groups.find_map(|held| {
        let group = held["group"].as_str()?;
        group
            .starts_with("flood/")
            .then_some((group, held["jobs"].as_u64()?))
    })?;
    let needs = status["needs_a_person"].as_array()?.iter();
    let advice = needs.filter_map(|need| need["next_action"].as_str());
    Some(Flood {
        group: group.to_owned(),
        jobs,
        advice: advice.filter(|advice| advice.contains(group)).collect(),
    })
}

/// Elements of notifications of such a change that were taken.
fn notified(fleet: &Fleet, of: impl Fn(&Value) -> bool) -> u64 {
    let sent = fleet.sim.notifications();
    let taken = sent.iter().filter(|one| one.status == Some(200));
    let elements = taken.flat_map(|one| &one.value);
    count(
        elements
            .filter(|element| of(&element["changeType"]))
            .count(),
    )
}
