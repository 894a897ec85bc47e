//! A page of jobs, and where the next one begins.

use serde_json::{Value, json};
use signalbox_queue::{ListedJob, Queue};

use super::super::output;
use crate::{
    cli::{Global, Paging},
    listing::{Listing, Page, spoken},
};

/// Prints one page and returns it.
pub(crate) async fn print(
    global: &Global,
    queue: &Queue,
    listing: &Listing<'_>,
    paging: &Paging,
) -> anyhow::Result<Page> {
    let page = listing
        .page(queue, paging.after.as_ref(), paging.limit.get())
        .await?;
    if global.json {
        let jobs: Value = page.jobs.iter().map(row).collect();
        let next = page.next.as_ref().map(ToString::to_string);
        output::json(&json!({ "jobs": jobs, "next": next }))?;
        return Ok(page);
    }
    for job in &page.jobs {
        lines(job).iter().try_for_each(|line| output::line(line))?;
    }
    if let Some(next) = &page.next {
        output::line(&format!("there may be more: --after '{next}'"))?;
    }
    Ok(page)
}

fn row(job: &ListedJob) -> Value {
    json!({
        "id": job.id,
        "state": job.state.as_str(),
        "queue": spoken(&job.queue),
        "lane": job.lane,
        "attempt": job.attempt,
        "enqueued": job.enqueued,
        "due": job.due,
        "finished": job.finished,
        "group": job.group,
        "reason": job.reason,
    })
}

/// The job, then what is to be said about it.
fn lines(job: &ListedJob) -> Vec<String> {
    let (queue, state) = (spoken(&job.queue), job.state.as_str());
    let mut lines = vec![format!("{queue:<8} {state:<9} {}", job.id)];
    let since = job.finished.or(job.enqueued).map(output::instant);
    let mut about = vec![since.unwrap_or_default()];
    about.extend(
        job.due
            .map(|due| format!("waits for {}", output::instant(due))),
    );
    about.extend((job.attempt != 0).then(|| format!("attempts: {}", job.attempt)));
    about.extend(job.group.as_ref().map(|group| format!("group `{group}`")));
    lines.push(format!("    {}", about.join(", ")));
    if !job.reason.is_empty() {
        lines.push(format!("    {}", output::plain(&job.reason)));
    }
    lines
}
