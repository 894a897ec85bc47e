//! Compares everything that can be seen of the queue with the model.

use std::{collections::BTreeMap, fmt::Debug};

use signalbox_core::Payload;
use signalbox_queue::{JobState, JobView, Queue};

use super::{
    drive::{instant, job_id},
    model::{Job, Model},
    step::GROUPS,
};
use crate::{Note, RedisServer};

/// Where the queue and the model differ; errors of the queue are differences too.
pub(super) type Difference = Box<dyn std::error::Error>;

/// The places of jobs, counted. A job that stands in two of them makes one count wrong.
const PLACES: &str = "local P, n = '{test/0}:', { again = 0, suspects = 0, held = 0, dead = 0 } \
    for _, key in ipairs(redis.call('KEYS', P .. '*')) do \
      local kind = string.match(key, '^[^:]*:(%l+):') \
      if n[kind] then n[kind] = n[kind] + redis.call('ZCARD', key) end end \
    local torn = 0 \
    for _, ref in ipairs(redis.call('HKEYS', P .. 'running')) do \
      if not redis.call('ZSCORE', P .. 'leases', ref) then torn = torn + 1 end end \
    local strays = 0 \
    for _, key in ipairs(redis.call('KEYS', P .. 'batch:*')) do \
      for _, ref in ipairs(redis.call('ZRANGE', key, 0, -1)) do \
        local raw = redis.call('GET', P .. 'job:' .. ref) \
        if not raw or cmsgpack.unpack(raw) or redis.call('HGET', P .. 'running', ref) then strays = strays + 1 end end end \
    local bytes = 0 \
    local function weigh(index) \
      for _, ref in ipairs(redis.call('ZRANGE', P .. index, 0, -1)) do \
        local length = redis.call('STRLEN', P .. 'job:' .. ref) \
        if length > 0 then bytes = bytes + length + 256 end end \
      bytes = bytes - tonumber(redis.call('HGET', P .. 'bytes', index) or 0) end \
    weigh('finished') \
    weigh('dead:note') \
    for _, group in ipairs({ 'route/r', 'route/s' }) do weigh('held:' .. group) end \
    local agains = tonumber(redis.call('HGET', P .. 'meta', 'agains') or 0) \
    return table.concat({ redis.call('ZCARD', P .. 'scheduled'), redis.call('HLEN', P .. 'running'), \
      redis.call('ZCARD', P .. 'leases'), torn, n.held, n.dead, redis.call('ZCARD', P .. 'finished'), \
      n.again - agains, strays, bytes }, ' ')";

/// Fails with `what` unless both are equal.
pub(super) fn ensure<T: PartialEq + Debug>(
    what: &str,
    got: &T,
    expected: &T,
) -> Result<(), Difference> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: the queue says {got:?}, the model {expected:?}").into())
}

/// Every job, every count, and the oldest ready job.
pub(super) async fn compare(
    queue: &Queue,
    redis: &RedisServer,
    model: &Model,
) -> Result<(), Difference> {
    for (index, job) in model.jobs.iter().enumerate() {
        let seen = queue.job(&Note::root(), &job_id(index)).await?;
        match (seen, job) {
            (Some(seen), Some(job)) => compare_job(index, &seen, job)?,
            (seen, job) => ensure("a job is there", &seen.is_some(), &job.is_some())?,
        }
    }
    let count = |state| {
        model
            .jobs
            .iter()
            .flatten()
            .filter(|job| job.state == state)
            .count()
    };
    compare_depth(queue, count).await?;
    compare_places(redis, count)?;
    compare_groups(queue, model).await?;
    let oldest = queue.oldest_ready(&Note::QUEUE.to_string()).await?;
    let ready = model
        .jobs
        .iter()
        .flatten()
        .filter(|job| job.state == JobState::Ready);
    let first = ready.map(|job| job.enqueued).min();
    let age = first.map(|first| (model.now - first.div_euclid(1000) * 1000).unsigned_abs());
    ensure(
        "ms since the oldest enqueue",
        &oldest.map(|age| age.as_millis()),
        &age.map(u128::from),
    )
}

fn compare_job(index: usize, seen: &JobView, job: &Job) -> Result<(), Difference> {
    ensure(
        &format!("the state of job {index}"),
        &seen.state,
        &job.state,
    )?;
    if matches!(job.state, JobState::Done | JobState::Cancelled) {
        return Ok(());
    }
    let running = u32::from(job.state == JobState::Running);
    let counted = (seen.attempt, seen.deaths, seen.faults);
    let expected = (job.attempt + running, job.deaths, job.faults);
    ensure(
        &format!("attempt, deaths, faults of job {index}"),
        &counted,
        &expected,
    )?;
    let instants = (seen.enqueued, seen.due);
    let expected = (Some(instant(job.enqueued)), job.due.map(instant));
    ensure(&format!("instants of job {index}"), &instants, &expected)?;
    let group = job.group.map(|group| GROUPS[group].to_owned());
    ensure(&format!("the group of job {index}"), &seen.group, &group)?;
    ensure("the payload", &seen.payload.contains(&job.payload), &true)
}

async fn compare_depth(queue: &Queue, count: impl Fn(JobState) -> usize) -> Result<(), Difference> {
    let depth = queue.depth().await?;
    for state in [
        JobState::Ready,
        JobState::Scheduled,
        JobState::Running,
        JobState::Held,
        JobState::Dead,
    ] {
        let counted = depth
            .get(&(Note::QUEUE.to_string(), state))
            .copied()
            .unwrap_or(0);
        ensure(
            &format!("how many are {state:?}"),
            &usize::try_from(counted)?,
            &count(state),
        )?;
    }
    Ok(())
}

fn compare_places(
    redis: &RedisServer,
    count: impl Fn(JobState) -> usize,
) -> Result<(), Difference> {
    let running = count(JobState::Running);
    let finished = count(JobState::Done) + count(JobState::Cancelled);
    let (scheduled, held) = (count(JobState::Scheduled), count(JobState::Held));
    let dead = count(JobState::Dead);
    let expected = format!("{scheduled} {running} {running} 0 {held} {dead} {finished} 0 0 0");
    let what = "scheduled, running, leases, leases without a job, held, dead, finished, uncounted, \
        strays in a batch, bytes of the dead, finished and held that are not counted";
    ensure(what, &redis.script(PLACES), &expected)
}

async fn compare_groups(queue: &Queue, model: &Model) -> Result<(), Difference> {
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for group in model.jobs.iter().flatten().filter_map(|job| job.group) {
        *groups.entry(GROUPS[group].to_owned()).or_default() += 1;
    }
    ensure("held groups", &queue.held_groups().await?, &groups)
}
