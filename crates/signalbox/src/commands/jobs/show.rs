//! Everything about one job.

use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_core::JobId;
use signalbox_queue::{JobView, Queue};

use super::{super::output, change::missing};
use crate::{cli::Global, listing::spoken};

pub(super) async fn run(global: &Global, queue: &Queue, id: &JobId) -> anyhow::Result<ExitCode> {
    let job = queue.find_job(id).await?;
    match (&job, global.json) {
        (_, true) => output::json(&job.as_ref().map_or(Value::Null, |job| row(id, job)))?,
        (Some(job), false) => print(id, job)?,
        (None, false) => output::line(&missing(id))?,
    }
    Ok(output::answer(job.is_some()))
}

fn row(id: &JobId, job: &JobView) -> Value {
    json!({
        "id": id,
        "state": job.state.as_str(),
        "queue": spoken(&job.queue),
        "stored_queue": job.queue,
        "lane": job.lane,
        "attempt": job.attempt,
        "deaths": job.deaths,
        "faults": job.faults,
        "reason": job.reason,
        "group": job.group,
        "enqueued": job.enqueued,
        "due": job.due,
        "finished": job.finished,
        "trace": trace(job),
        "payload": payload(job),
    })
}

/// The payload as JSON, or as the text that it is if a later release wrote it in another way.
fn payload(job: &JobView) -> Value {
    if job.payload.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&job.payload).unwrap_or_else(|_| job.payload.clone().into())
}

/// The id by which a collector knows what enqueued it and what becomes of it.
fn trace(job: &JobView) -> Option<&str> {
    job.trace.as_ref()?.split('-').nth(1)
}

fn print(id: &JobId, job: &JobView) -> std::io::Result<()> {
    let at = |instant: Option<jiff::Timestamp>| instant.map(output::instant).unwrap_or_default();
    let payload = match payload(job) {
        Value::Null => String::new(),
        payload => payload.to_string(),
    };
    let rows = [
        ("id", id.to_string()),
        ("state", job.state.as_str().to_owned()),
        ("reason", job.reason.clone()),
        ("queue", job.queue.clone()),
        ("lane", job.lane.clone()),
        ("group", job.group.clone().unwrap_or_default()),
        ("attempts", job.attempt.to_string()),
        ("deaths", job.deaths.to_string()),
        ("faults", job.faults.to_string()),
        ("enqueued", at(job.enqueued)),
        ("due", at(job.due)),
        ("finished", at(job.finished)),
        ("trace", trace(job).unwrap_or_default().to_owned()),
        ("payload", payload),
    ];
    let known = rows.iter().filter(|(_, value)| !value.is_empty());
    for (name, value) in known {
        output::line(&format!("{name:<9} {}", output::plain(value)))?;
    }
    Ok(())
}
