//! The steps of the protocol between a worker and Redis: fetch, renew, settle. One script each.
//!
//! The engine's tasks take these very steps. They are public for programs that drive the queue without a
//! [`Worker`](crate::Worker): a test against a model, a benchmark, a tool that ends one job by hand.
//! Nobody renews a lease that was got here but its holder.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use redis::{FromRedisValue, RedisResult, Value};
use signalbox_core::{JobId, LaneName, QueueName};

use crate::{Lease, Queue, QueueError, Token, ledger::instant, partition::Partition, scripts};

/// A reason is for people; more of it would be for nobody.
const LONGEST_REASON: usize = 2048;

/// A job under a lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The leave to run this attempt.
    pub lease: Lease,
    /// Counted from 1.
    pub attempt: u32,
    /// When the job was enqueued.
    pub enqueued_at: Timestamp,
    /// The job's lane.
    pub lane: LaneName,
    /// The envelope as JSON.
    pub payload: String,
}

/// What becomes of a job when its attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// It is done.
    Complete,
    /// It is done for now, and its next round begins at this instant with its attempts anew.
    Again(Timestamp),
    /// It failed and is tried again at this instant.
    Retry(Timestamp),
    /// It waits for this instant, and burns no attempt.
    Snooze(Timestamp),
    /// It is given back, and burns no attempt.
    Release,
    /// It is not tried again.
    Dead,
    /// It waits with this group for a person.
    Hold(String),
}

/// The outcome of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Ack {
    pub(crate) lease: Lease,
    pub(crate) verb: Verb,
    pub(crate) reason: String,
}

/// What one fetch brought.
pub(crate) struct Batch {
    pub(crate) jobs: Vec<Leased>,
    /// When the partition changes by itself, counted from the answer.
    pub(crate) next_change: Option<Duration>,
}

/// Leases up to `most` jobs of the queue called `name`, each for `period`.
pub async fn fetch(
    queue: &Queue,
    name: &QueueName,
    period: Duration,
    most: usize,
) -> Result<Vec<Leased>, QueueError> {
    let mut jobs = Vec::new();
    for partition in &queue.inner.partitions {
        let room = most.saturating_sub(jobs.len());
        if room > 0 {
            jobs.extend(fetch_from(partition, name, period, room).await?.jobs);
        }
    }
    Ok(jobs)
}

/// Ends the attempt of `lease`. False if the lease had passed on: then nothing was changed.
pub async fn settle(
    queue: &Queue,
    lease: &Lease,
    verb: Verb,
    reason: &str,
) -> Result<bool, QueueError> {
    let ack = Ack {
        lease: lease.clone(),
        verb,
        reason: reason.to_owned(),
    };
    let flags = settle_in(queue.home_of(lease), &[ack]).await?;
    Ok(flags.first() == Some(&1))
}

/// Makes `lease` last for `period` from now on. False if it had passed on.
pub async fn renew(queue: &Queue, lease: &Lease, period: Duration) -> Result<bool, QueueError> {
    let flags = renew_in(queue.home_of(lease), period, std::slice::from_ref(lease)).await?;
    Ok(flags.first() == Some(&1))
}

/// One fetch from one partition.
pub(crate) async fn fetch_from(
    partition: &Partition,
    name: &QueueName,
    period: Duration,
    most: usize,
) -> Result<Batch, QueueError> {
    let sent = Instant::now();
    let mut call = partition.call(&scripts::FETCH_JOBS);
    call.arg(name.to_string())
        .arg(period.as_millis().to_string())
        .arg(most);
    for token in Token::fresh(most)? {
        call.arg(token.as_str());
    }
    let answer: Vec<Value> = partition.invoke(&call).await?;
    read_batch(answer, partition.number, sent + period).map_err(QueueError::Redis)
}

fn read_batch(answer: Vec<Value>, partition: u16, until: Instant) -> RedisResult<Batch> {
    let mut values = answer.into_iter().skip(1);
    let next: i64 = values.next().map_or(Ok(-1), i64::from_redis_value)?;
    let mut jobs = Vec::new();
    while let Some(id) = values.next() {
        let mut text = || {
            values
                .next()
                .map_or(Ok(String::new()), String::from_redis_value)
        };
        let (id, token) = (String::from_redis_value(id)?, text()?);
        let (attempt, enqueued, lane, _effect) = (text()?, text()?, text()?, text()?);
        jobs.push(Leased {
            lease: Lease::new(JobId::from_stored(id), token.into(), partition, until),
            attempt: attempt.parse().unwrap_or(1),
            enqueued_at: instant(&enqueued),
            lane: LaneName::from_stored(lane),
            payload: text()?,
        });
    }
    let next_change = u64::try_from(next).ok().map(Duration::from_millis);
    Ok(Batch { jobs, next_change })
}

/// Ends attempts of one partition together. One flag for each: 1 applied, 0 refused.
pub(crate) async fn settle_in(partition: &Partition, acks: &[Ack]) -> Result<Vec<u8>, QueueError> {
    let mut call = partition.call(&scripts::SETTLE_JOBS);
    for ack in acks {
        let (verb, argument) = wire(&ack.verb);
        call.arg(ack.lease.id.as_str())
            .arg(ack.lease.token.as_str())
            .arg(verb)
            .arg(argument)
            .arg(cut(&ack.reason));
    }
    partition.invoke(&call).await
}

/// Renews leases of one partition together. One flag for each: 1 renewed, 0 lost.
///
/// A renewed lease counts from before the request, so that it never outlasts what Redis knows.
pub(crate) async fn renew_in(
    partition: &Partition,
    period: Duration,
    leases: &[Lease],
) -> Result<Vec<u8>, QueueError> {
    let mut call = partition.call(&scripts::RENEW_LEASES);
    call.arg(period.as_millis().to_string());
    for lease in leases {
        call.arg(lease.id.as_str()).arg(lease.token.as_str());
    }
    let sent = Instant::now();
    let flags: Vec<u8> = partition.invoke(&call).await?;
    for (lease, _) in leases.iter().zip(&flags).filter(|(_, flag)| **flag == 1) {
        lease.renewed(sent, period);
    }
    Ok(flags)
}

fn wire(verb: &Verb) -> (&'static str, String) {
    let ms = |at: &Timestamp| at.as_millisecond().to_string();
    match verb {
        Verb::Complete => ("complete", String::new()),
        Verb::Again(at) => ("again", ms(at)),
        Verb::Retry(at) => ("retry", ms(at)),
        Verb::Snooze(at) => ("snooze", ms(at)),
        Verb::Release => ("release", String::new()),
        Verb::Dead => ("dead", String::new()),
        Verb::Hold(group) => ("hold", group.clone()),
    }
}

fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
