//! Nothing old is announced as new: not by a route that begins, not by a rebuild, not by a Redis without memory.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use signalbox_queue::Queue;
use signalbox_sim::{NewInvoice, Which};
use uuid::Uuid;

use super::{Criterion, Size, count};
use crate::fleet::{Fleet, Setting, for_purchaser};

const ROUTE: &str = "purchaser-01";
/// Invoices touched while the route is held, fewer than a flood.
const TOUCHED: usize = 20;

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let invoices = size.pick(20_000, 500);
    let fleet = Fleet::prepare(Setting {
        channels: 1,
        lease_secs: 10,
        ..Setting::default()
    })
    .await?;
    let known = post_some(&fleet)?;
    let seeded = fleet
        .sim
        .seed_purchase_invoices(&NewInvoice::default(), invoices - TOUCHED, 1)?;
    let role = fleet.start("all")?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    fleet.quiet(&queue).await?;
    let mut criteria = vec![
        Criterion::exactly(
            "baseline: posted invoices",
            count(seeded + known.len()),
            count(invoices),
        ),
        cards("baseline: cards after a route was added", &fleet),
    ];
    rebuild(&fleet, &queue).await?;
    criteria.push(cards("baseline: cards after a rebuild", &fleet));
    criteria.extend(forget(&fleet, &queue, &known).await?);
    criteria.push(begin_again(&fleet, &queue).await?);
    criteria.push(news(&fleet, &queue).await?);
    role.stop().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

fn cards(criterion: &str, fleet: &Fleet) -> Criterion {
    Criterion::none(criterion, fleet.sim.effect_count())
}

/// Invoices whose ids we know, posted before anybody listens.
fn post_some(fleet: &Fleet) -> Result<Vec<Uuid>> {
    let one = |_| {
        Ok(fleet
            .sim
            .post_new_purchase_invoice(&for_purchaser("P01"))?
            .id)
    };
    (0..TOUCHED).map(one).collect()
}

/// Every record is touched and notified, or, as there are many, a collection is.
async fn rebuild(fleet: &Fleet, queue: &Queue) -> Result<()> {
    let before = fleet.sim.notifications().len();
    let touched = fleet.sim.rebuild_purchase_invoices();
    fleet
        .until("the rebuild was notified", async || {
            let sent = fleet.sim.notifications();
            let elements = sent[before..].iter().map(|one| one.elements).sum::<usize>();
            let collected = sent[before..].iter().flat_map(|one| &one.value);
            elements >= touched
                || collected
                    .into_iter()
                    .any(|one| one["changeType"] == "collection")
        })
        .await?;
    fleet.quiet(queue).await
}

/// Redis loses everything. The route is held, and what is notified meanwhile waits.
async fn forget(fleet: &Fleet, queue: &Queue, known: &[Uuid]) -> Result<Vec<Criterion>> {
    let old = fleet.subscribed()?;
    let flushed = fleet.redis("FLUSHALL").await?;
    ensure!(flushed.starts_with("+OK"), "redis answered {flushed}");
    let advice = format!("signalbox routes baseline {ROUTE}");
    let mut told = false;
    fleet
        .until("the route is held", async || {
            let state = state(fleet).await.unwrap_or_default();
            told = state["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains(&advice));
            state["phase"] == "held"
        })
        .await?;
    fleet
        .until(
            "the subscription is taken over with a new clientState",
            async || {
                let hook = fleet.subscribed();
                hook.is_ok_and(|hook| hook.client_state != old.client_state)
            },
        )
        .await?;
    touch(fleet, known).await?;
    fleet.quiet(queue).await?;
    Ok(vec![
        cards("baseline: cards after Redis lost its memory", fleet),
        Criterion::exactly("baseline: the hold says what to do", u64::from(told), 1),
    ])
}

async fn touch(fleet: &Fleet, known: &[Uuid]) -> Result<()> {
    let before = fleet.sim.notifications().len();
    for id in known {
        fleet.sim.touch_purchase_invoice(&Which::id(*id))?;
    }
    let url = fleet.subscribed()?.url;
    fleet
        .until("the touched invoices were notified", async || {
            let sent = fleet.sim.notifications();
            let ours = sent[before..].iter().filter(|one| one.url == url);
            let taken = ours.filter(|one| one.status == Some(200));
            taken.map(|one| one.elements).sum::<usize>() >= known.len()
        })
        .await
}

async fn begin_again(fleet: &Fleet, queue: &Queue) -> Result<Criterion> {
    let (code, _) = fleet.ask(&format!("routes baseline {ROUTE}")).await?;
    ensure!(code == 0, "`routes baseline` ended with {code}");
    fleet
        .until("the route is active again", async || {
            matches!(fleet.ask("routes list").await, Ok((0, _)))
        })
        .await?;
    fleet.quiet(queue).await?;
    Ok(cards("baseline: cards after the route began again", fleet))
}

async fn news(fleet: &Fleet, queue: &Queue) -> Result<Criterion> {
    fleet.sim.post_new_purchase_invoice(&for_purchaser("P01"))?;
    fleet
        .until("the new invoice is announced", async || {
            fleet.sim.effect_count() > 0
        })
        .await?;
    fleet.quiet(queue).await?;
    let cards = fleet.sim.effect_count();
    Ok(Criterion::exactly(
        "baseline: cards after one new invoice",
        cards,
        1,
    ))
}

async fn state(fleet: &Fleet) -> Result<Value> {
    let (_, routes) = fleet.ask("routes list").await?;
    let route = routes.as_array().and_then(|routes| {
        let mut named = routes.iter().filter(|route| route["route"] == ROUTE);
        named.next().cloned()
    });
    Ok(route.context("the route is not listed")?["state"].clone())
}
