//! One trace from the webhook to the card, as a collector sees it: across an ingress and a worker of their own, with
//! every wait visible, and with the attempt that failed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use signalbox_sim::{Fault, FaultKind, RetryAfter};

use super::{Criterion, Size, count};
use crate::{
    collector::{Collector, Span},
    fleet::{Fleet, Setting, for_purchaser},
    until::PATIENCE,
};

/// It is one signal at either size: there is nothing to reduce.
pub(super) async fn play(_: Size) -> Result<Vec<Criterion>> {
    let collector = Collector::start().await?;
    let fleet = Fleet::prepare(Setting {
        channels: 1,
        ..Setting::default()
    })
    .await?;
    let endpoint = format!("{:?}", collector.url);
    fleet.set("observe", "otlp_endpoint", &endpoint)?;
    let (ingress, worker) = (fleet.start("ingress")?, fleet.start("worker")?);
    fleet.ready().await?;
    let subscribed = fleet.subscribed()?;
    let plain = announced(&fleet, &collector, 1).await?;
    // A look that is still to come would take the fault that the next read is to meet.
    fleet.quiet(&fleet.queue().await?).await?;
    let unavailable = FaultKind::Status(503, RetryAfter::Absent);
    fleet
        .sim
        .add_fault(Fault::on("bc.read", unavailable).times(1));
    let retried = announced(&fleet, &collector, 2).await?;
    worker.stop().await?;
    ingress.stop().await?;
    let secret = &fleet.sim.config().client_secret;
    let key = subscribed
        .url
        .rsplit('/')
        .next()
        .context("a hook has a key")?;
    let secrets = [secret, &subscribed.client_state, key, "Bearer"];
    let told = secrets.into_iter().filter(|secret| collector.heard(secret));
    let mut criteria = whole("trace", &plain, 1);
    criteria.extend(whole("trace with a retry", &retried, 2));
    criteria.push(Criterion::none("trace: secrets sent", count(told.count())));
    Ok(criteria)
}

/// Posts an invoice and returns the trace of its card, in which the record was read so many times.
async fn announced(fleet: &Fleet, collector: &Collector, reads: usize) -> Result<Vec<Span>> {
    fleet.sim.post_new_purchase_invoice(&for_purchaser("P01"))?;
    fleet.sim.wait_until_delivered(PATIENCE).await;
    let what = "the collector has a trace from a webhook to a card";
    let found = collector.until_trace(what, |spans| {
        let webhook = of(spans, "webhook").count() == 1;
        let posted = of(spans, "post").any(|post| post.get("job.reason") == "announced");
        webhook && posted && of(spans, "read").count() == reads
    });
    found.await
}

/// Spans of this name.
fn of<'a>(spans: &'a [Span], name: &'a str) -> impl Iterator<Item = &'a Span> {
    spans.iter().filter(move |span| span.name == name)
}

fn whole(name: &str, spans: &[Span], reads: u64) -> Vec<Criterion> {
    let named = |what: &str| format!("{name}: {what}");
    let exactly = |what: &str, count, wanted| Criterion::exactly(&named(what), count, wanted);
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    let (erp, teams) = (requests(spans, "erp"), requests(spans, "teams"));
    let mut criteria = vec![
        exactly("services", count(services.len()), 2),
        exactly("spans without their parent", astray(spans), 0),
        exactly(
            "reads below the webhook",
            below(spans, "read", "webhook"),
            reads,
        ),
        exactly("posts below the read", below(spans, "post", "read"), 1),
        exactly("waits for a read", below(spans, "wait", "webhook"), reads),
        exactly("waits for the post", below(spans, "wait", "read"), 1),
        Criterion::at_least(&named("requests to Business Central"), erp, reads),
        Criterion::at_least(&named("requests to Teams"), teams, 1),
        exactly("attempts that failed", failed(spans), reads - 1),
        exactly("waits that overlap an attempt", overlapping(spans), 0),
    ];
    criteria.extend(of(spans, "wait").map(|wait| {
        let (queue, attempt) = (wait.get("job.queue"), wait.get("job.attempt"));
        let waited = named(&format!("waited for attempt {attempt} of {queue}"));
        Criterion::told_ms(&waited, millis(wait.end - wait.start))
    }));
    criteria
}

/// Spans whose parent did not arrive.
fn astray(spans: &[Span]) -> u64 {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    let children = spans.iter().filter(|span| !span.parent.is_empty());
    count(children.filter(|span| !ids.contains(&*span.parent)).count())
}

/// Spans called `child` whose parent is called `parent`.
fn below(spans: &[Span], child: &str, parent: &str) -> u64 {
    let parents: BTreeSet<&str> = of(spans, parent).map(|span| span.id.as_str()).collect();
    let children = of(spans, child).filter(|span| parents.contains(&*span.parent));
    count(children.count())
}

/// Requests on behalf of a connection.
fn requests(spans: &[Span], connection: &str) -> u64 {
    let requests = spans
        .iter()
        .filter(|span| !span.get("server.address").is_empty());
    count(
        requests
            .filter(|span| span.get("connection.name") == connection)
            .count(),
    )
}

/// Attempts with an error.
fn failed(spans: &[Span]) -> u64 {
    let attempts = spans
        .iter()
        .filter(|span| !span.get("job.outcome").is_empty());
    count(attempts.filter(|attempt| attempt.failed).count())
}

/// Waits that begin before the attempt before them has ended, or end before they begin.
fn overlapping(spans: &[Span]) -> u64 {
    let waits = of(spans, "wait").filter(|wait| {
        let before = spans.iter().filter(|span| {
            let same =
                span.get("job.id") == wait.get("job.id") && !span.get("job.outcome").is_empty();
            same && span.start < wait.start
        });
        // Redis tells its instants in whole milliseconds.
        let overlaps = before
            .map(|attempt| attempt.end)
            .any(|end| wait.start + 1_000_000 < end);
        overlaps || wait.end < wait.start
    });
    count(waits.count())
}

fn millis(nanos: u64) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64() * 1e3
}
