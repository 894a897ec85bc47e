//! A backlog that gathered while no worker was there, and a rate that binds: it drains in little more than the time that
//! the smallest number of requests takes at that rate.
//!
//! Almost none of the changes is news, so that what Teams allows does not matter; those that are have their cards.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;
use signalbox_queue::{JobState, Queue};
use signalbox_sim::{RecordChange, RecordedRequest, SimConfig, Target};

use super::{
    super::{Criterion, Size, count},
    house::House,
    kinds, looks,
};
use crate::fleet::Fleet;

const SET: &str = "items";
/// Nothing but notifications leads to the changes.
const USUAL: &str = "poll_secs = 86400";
/// Requests per second, of the worker that finds the backlog.
const RATE: u32 = 5;
/// The seconds within which no more may come: of the least number of requests several times as many are needed.
const SPAN_FULL: u32 = 6;
const SPAN_REDUCED: u32 = 1;
/// Records in one request (facts, Business Central §4: operations of a `$batch`).
const TOGETHER: usize = 100;
/// How many of the changes of a company are news.
const NEWS: usize = 2;
/// What it may take at most, as a part of the least.
const SLACK: f64 = 1.1;

pub(in crate::scenarios) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let companies = size.pick(10, 2);
    // So many of one subscription at most are notified singly.
    let each = size.pick(1_000, 500);
    let house = House {
        companies,
        kinds: vec![kinds::of(SET).context("it is one of the sets")?],
        time_scale: 1.0,
        connection: USUAL.to_owned(),
        log_level: "warn",
    };
    let fleet = house.build(quick(house.cloud())).await?;
    for id in house.ids() {
        let item = RecordChange::of(SET).company(id.to_string());
        fleet.sim.seed_records(&item, each)?;
    }
    let ingress = fleet.start("ingress")?;
    let first = fleet.start("worker")?;
    fleet.ready().await?;
    looks::subscribed(&fleet, companies).await?;
    let queue = fleet.queue().await?;
    fleet.quiet(&queue).await?;
    first.stop().await?;
    let (amount, secs) = (RATE * span(size), span(size));
    let limits = format!("{USUAL}\nlimits = \"{amount}/{secs}s\"");
    fleet.configure(|text| text.replace(USUAL, &limits))?;
    let changes = companies * each;
    change(&fleet, &house)?;
    gather(&fleet, &queue, changes).await?;
    let before = fleet.sim.requests().last().map_or(0, |request| request.seq);
    let second = fleet.start("worker")?;
    fleet
        .until("no change waits any more", async || {
            waiting(&queue).await == Some(0)
        })
        .await?;
    looks::nothing_waits(&fleet).await?;
    let requests = fleet.sim.requests().into_iter();
    let requests: Vec<_> = requests
        .filter(|one| one.seq > before && is_counted(one))
        .collect();
    let criteria = judged(&fleet, &requests, (changes, companies), size);
    second.stop().await?;
    ingress.stop().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

/// Soon enough with its notifications, since time runs as it does in reality.
fn quick(cloud: SimConfig) -> SimConfig {
    SimConfig {
        notification_delay: Duration::from_secs(2),
        ..cloud
    }
}

/// Every record is changed; the first few of each company have news.
fn change(fleet: &Fleet, house: &House) -> Result<()> {
    for id in house.ids() {
        let company = id.to_string();
        let records = fleet.sim.records(Some(&company), SET);
        for (place, record) in records.iter().enumerate() {
            let id = record["id"]
                .as_str()
                .context("a record has an id")?
                .parse()?;
            let item = RecordChange::of(SET).company(&company).id(id);
            let name = json!({ "displayName": format!("{}{place}", kinds::ALIAS) });
            let news = place < NEWS;
            fleet
                .sim
                .change_record(&if news { item.fields(name) } else { item })?;
        }
    }
    Ok(())
}

/// Returns when all of them wait.
async fn gather(fleet: &Fleet, queue: &Queue, changes: usize) -> Result<()> {
    fleet
        .until("every change waits to be read", async || {
            waiting(queue).await == i64::try_from(changes).ok()
        })
        .await
}

/// Reads that are not done yet.
async fn waiting(queue: &Queue) -> Option<i64> {
    let depth = queue.depth().await.ok()?;
    let open = depth.iter().filter(|((name, state), _)| {
        let live = [JobState::Ready, JobState::Running, JobState::Scheduled];
        name.starts_with("read") && live.contains(state)
    });
    Some(open.map(|(_, count)| count).sum())
}

/// Whether it counts against the rate by itself: what came within a batch does not.
fn is_counted(request: &RecordedRequest) -> bool {
    let ours = [Target::BcRead, Target::BcWrite, Target::BcSubscriptions];
    request.batch.is_none() && ours.contains(&request.target)
}

/// Whether it asks for changed records, and not for what a worker needs once when it starts.
fn reads_changes(request: &RecordedRequest) -> bool {
    request.path.ends_with("/$batch") || request.path.contains(&format!("/{SET}"))
}

/// Whether it belongs to the smallest number of requests like the reads: it took from their rate, because subscriptions
/// are looked after when a worker starts. The list of companies is not counted.
fn is_made_once(request: &RecordedRequest, reads: &[&RecordedRequest], secs: u32) -> bool {
    let ends = reads.first().zip(reads.last());
    let took_part = ends.is_some_and(|(first, last)| {
        let before = first.at.duration_since(request.at).as_secs_f64();
        before < f64::from(secs) && request.seq < last.seq
    });
    took_part && !request.path.ends_with("/companies") && !reads_changes(request)
}

fn judged(
    fleet: &Fleet,
    requests: &[RecordedRequest],
    (changes, companies): (usize, usize),
    size: Size,
) -> Vec<Criterion> {
    let verdict = fleet.sim.verdict();
    let reads: Vec<&RecordedRequest> = requests.iter().filter(|one| reads_changes(one)).collect();
    let least = changes.div_ceil(TOGETHER);
    let took = span_ms(&reads);
    let once = requests
        .iter()
        .filter(|one| is_made_once(one, &reads, span(size)));
    let once = once.count();
    let apart = Duration::from_secs(1) / RATE;
    let intervals = u32::try_from(least + once - 1).unwrap_or(u32::MAX);
    let limit = SLACK * (apart * intervals).as_secs_f64() * 1e3;
    let instants: Vec<Timestamp> = requests.iter().map(|one| one.at).collect();
    let refused = requests.iter().filter(|one| one.status == Some(429));
    let over = too_many(&instants, span(size));
    vec![
        Criterion::exactly(
            "backlog: changes that waited",
            count(changes),
            count(changes),
        ),
        Criterion::told("backlog: requests about subscriptions besides", count(once)),
        Criterion::at_most(
            "backlog: requests for changed records",
            count(reads.len()),
            // A read that had to make room and comes when its company has no other left goes alone. On a slow machine more
            // of them have to.
            count(least + size.pick(companies, least)),
        ),
        Criterion::below_ms("backlog: from the first to the last of them", took, limit),
        size.pick(
            Criterion::none("backlog: requests over the rate when they arrived", over),
            // How long a request is on its way depends on the machine.
            Criterion::told("backlog: requests over the rate when they arrived", over),
        ),
        Criterion::none(
            "backlog: requests that were refused",
            count(refused.count()),
        ),
        Criterion::none(
            "backlog: requests before a Retry-After ended",
            verdict.early_requests,
        ),
        Criterion::exactly(
            "backlog: cards of the changes that are news",
            fleet.sim.effect_count(),
            count(NEWS * companies),
        ),
    ]
}

fn span_ms(requests: &[&RecordedRequest]) -> f64 {
    let first = requests.first().map(|one| one.at);
    let last = requests.last().map(|one| one.at);
    let span = first
        .zip(last)
        .map(|(first, last)| last.duration_since(first));
    span.map_or(0.0, |span| span.as_secs_f64() * 1e3)
}

/// How many are one too many within so many seconds.
fn too_many(instants: &[Timestamp], secs: u32) -> u64 {
    let most = usize::try_from(RATE * secs).unwrap_or(usize::MAX);
    let runs = instants.windows(most + 1);
    let span = f64::from(secs);
    let too_close = |run: &&[Timestamp]| run[most].duration_since(run[0]).as_secs_f64() < span;
    count(runs.filter(too_close).count())
}

fn span(size: Size) -> u32 {
    size.pick(SPAN_FULL, SPAN_REDUCED)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::RATE;

    #[test]
    fn one_request_too_many_within_a_second_is_found() {
        let instants = |last_ms: i64| {
            let at = |ms: i64| {
                Timestamp::UNIX_EPOCH
                    .checked_add(ms.milliseconds())
                    .unwrap()
            };
            let mut all: Vec<_> = (0..i64::from(RATE)).map(at).collect();
            all.push(at(last_ms));
            all
        };
        assert_eq!(super::too_many(&instants(999), 1), 1);
        assert_eq!(super::too_many(&instants(1_000), 1), 0);
    }
}
