//! Mixed business over every entity set of three companies whose numbers collide, while everything goes wrong that may.
//!
//! Notifications are lost and doubled, changes are made of which nobody is told, a subscription ends, the cloud answers
//! 429 in bursts and goes away once. The set of cards must be that of the values that stood.

use std::{fmt::Write as _, time::Duration};

use anyhow::Result;
use signalbox_sim::{Fault, FaultKind, RetryAfter, Share, SimConfig};

use super::{
    super::{Criterion, Size, count},
    house::House,
    judge::{Evidence, Verdict},
    kinds, looks,
    people::{People, sighted},
    plan, trail,
    values::Key,
};
use crate::fleet::Fleet;

const SEED: u64 = 5;
const COMPANIES: usize = 3;
/// Of a hundred notifications.
const DROPPED: f64 = 10.0;
const DOUBLED: f64 = 10.0;

pub(in crate::scenarios) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let house = House {
        companies: COMPANIES,
        kinds: kinds::ALL.iter().collect(),
        time_scale: size.pick(0.01, 0.002),
        connection: String::new(),
        log_level: "warn",
    };
    let fleet = house.build(bad(house.cloud())).await?;
    let (companies, reader) = (house.ids(), house.reader());
    let changes = size.pick(2_000, 240);
    let scripts = plan::draw(SEED, changes, COMPANIES);
    let mut people = People::arrive(&fleet.sim, &reader, &companies, scripts)?;
    let roles = [
        fleet.start("ingress")?,
        fleet.start("worker")?,
        fleet.start("worker")?,
    ];
    fleet.ready().await?;
    looks::subscribed(&fleet, COMPANIES * kinds::ALL.len()).await?;
    looks::at_every_set(&fleet, &house).await?;
    let early = fleet.sim.effect_count();
    let ended = live_through(&fleet, &mut people, changes, size).await?;
    // What is missing in the end is for the judge to tell.
    let told = fleet.until("every value that stood has its card", async || {
        people.is_told()
    });
    drop(told.await);
    looks::at_every_set(&fleet, &house).await?;
    let queue = fleet.queue().await?;
    fleet.quiet(&queue).await?;
    let effects = fleet.sim.effects();
    let cards: Vec<Option<Key>> = effects.iter().map(|effect| reader.read(effect)).collect();
    let sighted = sighted(&fleet.sim);
    let verdict = Evidence {
        values: people.values(),
        cards: &cards,
        sighted: &sighted,
        passed_over: &trail::passed_over(&fleet, &queue, people.values(), &sighted).await?,
    }
    .judge();
    let mut criteria = vec![
        Criterion::exactly("mixed: changes made", count(people.changes), count(changes)),
        Criterion::exactly("mixed: subscriptions that ended", count(ended), 1),
        Criterion::none("mixed: cards before the first change", early),
    ];
    criteria.extend(of_trouble(&fleet, size));
    criteria.extend(of_cards(&verdict, effects.len()));
    let (_, dead) = fleet.ask("dead list").await?;
    let dead = dead["jobs"].as_array().map_or(0, Vec::len);
    criteria.push(Criterion::none("mixed: dead", count(dead)));
    for role in roles {
        role.stop().await?;
    }
    fleet.is_abandoned().await?;
    Ok(criteria)
}

fn bad(cloud: SimConfig) -> SimConfig {
    let share = |percent, seed| Some(Share { percent, seed });
    SimConfig {
        drop_notifications: share(DROPPED, SEED),
        double_notifications: share(DOUBLED, SEED + 1),
        ..cloud
    }
}

/// All the changes, and what happens to the cloud meanwhile. Says how many subscriptions were ended.
async fn live_through(
    fleet: &Fleet,
    people: &mut People<'_>,
    changes: usize,
    size: Size,
) -> Result<usize> {
    let at_once = size.pick(2, 8);
    let throttled = FaultKind::Throttle(RetryAfter::Absent);
    let bursts = Fault::on("bc.read", throttled).every(size.pick(150, 60));
    fleet.sim.add_fault(bursts.in_bursts_of(size.pick(8, 3)));
    people.act(changes / 4, at_once).await?;
    let ended = fleet.sim.expire_subscription(None, "purchaseInvoices")?;
    people.act(changes / 2, at_once).await?;
    fleet
        .sim
        .restart(Duration::from_millis(size.pick(2_000, 300)))
        .await;
    people.act(changes, at_once).await?;
    fleet.sim.clear_faults();
    Ok(ended)
}

/// That it was as bad as it should be, and that none of it was our doing.
fn of_trouble(fleet: &Fleet, size: Size) -> Vec<Criterion> {
    let (verdict, webhooks) = (fleet.sim.verdict(), fleet.sim.webhook_counts());
    let throttled = fleet.sim.requests();
    let throttled = throttled
        .iter()
        .filter(|one| one.status == Some(429))
        .count();
    vec![
        Criterion::at_least(
            "mixed: changes that were never notified",
            webhooks.dropped,
            size.pick(100, 5),
        ),
        Criterion::at_least(
            "mixed: notifications sent twice",
            webhooks.doubled,
            size.pick(100, 5),
        ),
        Criterion::at_least("mixed: answers of 429", count(throttled), size.pick(20, 3)),
        Criterion::none("mixed: requests over a limit", verdict.limit_violations),
        Criterion::none(
            "mixed: requests before a Retry-After ended",
            verdict.early_requests,
        ),
        Criterion::none(
            "mixed: subscriptions deleted by an answer",
            verdict.subscriptions_deleted_by_answer + verdict.subscriptions_given_up,
        ),
    ]
}

fn of_cards(verdict: &Verdict, cards: usize) -> Vec<Criterion> {
    vec![
        Criterion::told("mixed: cards", count(cards)),
        Criterion::told("mixed: values that stood", count(verdict.stood)),
        none_of(
            "mixed: values that stood and have no card",
            &verdict.missing,
        ),
        none_of("mixed: values with two cards", &verdict.twice),
        Criterion::none(
            "mixed: cards of values that no record had",
            count(verdict.invented),
        ),
        none_of(
            "mixed: cards of drafts and of what was there before",
            &verdict.uncalled,
        ),
        Criterion::told("mixed: values that came and went", count(verdict.passed)),
        Criterion::told("mixed: of them announced", count(verdict.passed_announced)),
        Criterion::told(
            "mixed: of them never shown to us",
            count(verdict.never_seen),
        ),
        Criterion::told(
            "mixed: of them passed over, as the trail tells",
            count(verdict.told_as_passed),
        ),
        none_of(
            "mixed: of them announced and never shown to us",
            &verdict.guessed,
        ),
        none_of(
            "mixed: of them shown to us, and the trail tells nothing",
            &verdict.untold,
        ),
    ]
}

/// There must be none; the first few are named.
fn none_of(criterion: &str, keys: &[Key]) -> Criterion {
    let mut criterion = criterion.to_owned();
    for key in keys.iter().take(5) {
        let Key {
            company,
            set,
            document,
            once,
        } = key;
        write!(criterion, ", {set} {document} {once:?} of {company}").expect("a string takes text");
    }
    Criterion::none(&criterion, count(keys.len()))
}
