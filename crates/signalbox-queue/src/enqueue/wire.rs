//! Jobs as `enqueue_jobs.lua` takes them: what they share is told once, and what few have is told of those few.

use jiff::Timestamp;
use redis::ScriptInvocation;
use signalbox_core::LaneName;

use super::{Mode, NewJob};
use crate::{Queue, QueueError, reference};

/// Adds `jobs` to a call, their payloads sealed if the queue has keys.
pub(super) fn write(
    call: &mut ScriptInvocation<'_>,
    queue: &Queue,
    jobs: &[&NewJob],
) -> Result<(), QueueError> {
    let options = &queue.inner.options;
    call.arg(options.dedupe_window.as_millis().to_string())
        .arg(jobs.len());
    let numbers = write_lines(call, jobs);
    for (job, number) in jobs.iter().zip(numbers) {
        call.arg(number)
            .arg(reference::of_job(&job.id))
            .arg(job.id.as_str())
            .arg(&job.trace)
            .arg(&*options.payload_keys.seal(&job.id, &job.payload)?)
            .arg(details(job));
    }
    Ok(())
}

/// Names each queue and lane once. Returns the number of each job's line, counted from 1.
fn write_lines(call: &mut ScriptInvocation<'_>, jobs: &[&NewJob]) -> Vec<usize> {
    let mut lines: Vec<&NewJob> = Vec::new();
    let mut numbers = Vec::with_capacity(jobs.len());
    for &job in jobs {
        // Jobs of one lane often come together.
        let known = lines
            .iter()
            .rposition(|line| line.queue == job.queue && line.lanes == job.lanes);
        numbers.push(
            1 + known.unwrap_or_else(|| {
                lines.push(job);
                lines.len() - 1
            }),
        );
    }
    call.arg(lines.len());
    for line in lines {
        let ancestors: Vec<&str> = line.lanes.ancestors().map(LaneName::as_str).collect();
        call.arg(line.queue.to_string())
            .arg(line.lanes.leaf().as_str())
            .arg(ancestors.join(" "));
    }
    numbers
}

/// What few jobs have. Empty for one that is just ready.
fn details(job: &NewJob) -> String {
    let usual = job.mode == Mode::Ignore
        && job.due.is_none()
        && job.effect.is_none()
        && job.group.is_none()
        && job.batch.is_none();
    if usual {
        return String::new();
    }
    let mode = match job.mode {
        Mode::Ignore => 'i',
        Mode::KeepLast => 'k',
    };
    let changed = job.changed.as_millisecond();
    let due = job.due.map_or(0, Timestamp::as_millisecond);
    let effect = job
        .effect
        .as_ref()
        .map(reference::of_effect)
        .unwrap_or_default();
    let line = |text: &Option<String>| text.as_deref().unwrap_or("").replace('\n', " ");
    let (group, batch) = (line(&job.group), line(&job.batch));
    format!("{mode} {changed} {due} {effect}\n{group}\n{batch}")
}
