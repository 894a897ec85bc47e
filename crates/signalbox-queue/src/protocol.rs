//! The steps of the protocol between a worker and Redis: fetch, renew, settle. One script each.
//!
//! The engine's tasks take these very steps. They are public for programs that drive the queue without a
//! [`Worker`](crate::Worker): a test against a model, a benchmark, a tool that ends one job by hand.
//! Nobody renews a lease that was got here but its holder.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use redis::{FromRedisValue, RedisResult, ScriptInvocation, Value};
use signalbox_core::{JobId, LaneName, QueueName};

use crate::{
    Enqueued, Lease, NewJob, PayloadError, Queue, QueueError, Token, lease::Granted,
    partition::Partition, payload, scripts, trace,
};

/// A reason is for people; more of it would be for nobody.
const LONGEST_REASON: usize = 2048;
/// Deaths of its worker after which a job runs alone.
const DEATHS_IN_COMPANY: u32 = 2;
/// Deaths of its worker while it ran alone that make a job dead. One could be the doing of whoever kills workers.
const DEATHS_ALONE: u32 = 3;

/// A job under a lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The leave to run this attempt.
    pub lease: Lease,
    /// Counted from 1.
    pub attempt: u32,
    /// How often it failed by its own fault.
    pub faults: u32,
    /// How often its worker died with it.
    pub deaths: u32,
    /// When the job was enqueued.
    pub enqueued_at: Timestamp,
    /// When it began to wait for this attempt: it was enqueued, or its last attempt ended.
    pub waits_since: Timestamp,
    /// The job's lane.
    pub lane: LaneName,
    /// The `traceparent` of what enqueued the job.
    pub trace: Option<String>,
    /// The payload as it is stored; see [`payload()`].
    pub payload: Vec<u8>,
}

/// What becomes of a job when its attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// It is done.
    Complete,
    /// It is done for now, and its next round begins at this instant with its attempts anew.
    Again(Timestamp),
    /// It failed by its own fault and is tried again at this instant.
    Retry(Timestamp),
    /// It failed by the world's fault and is tried again at this instant.
    Defer(Timestamp),
    /// It waits for this instant, and burns no attempt.
    Snooze(Timestamp),
    /// It is given back, and burns no attempt.
    Release,
    /// It is not tried again.
    Dead,
    /// It waits with this group for a person.
    Hold(String),
}

impl Verb {
    /// The word for it, also in Redis.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Again(_) => "again",
            Self::Retry(_) => "retry",
            Self::Defer(_) => "defer",
            Self::Snooze(_) => "snooze",
            Self::Release => "release",
            Self::Dead => "dead",
            Self::Hold(_) => "hold",
        }
    }
}

/// The outcome of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Ack {
    pub(crate) lease: Lease,
    pub(crate) verb: Verb,
    pub(crate) reason: String,
    /// What becomes of the jobs that joined it. They never go into another script.
    pub(crate) companions: Vec<Ack>,
}

impl Ack {
    /// The same outcome for the job of `lease` and for all that joined it.
    pub(crate) fn of_all(lease: &Lease, verb: &Verb, reason: &str) -> Self {
        let ack = |lease: Lease| Self {
            lease,
            verb: verb.clone(),
            reason: reason.to_owned(),
            companions: Vec::new(),
        };
        let joined = lease.companions().into_iter();
        Self {
            companions: joined.map(|one| ack(lease.of(&one))).collect(),
            ..ack(lease.clone())
        }
    }

    /// The outcome of each job.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.companions)
    }
}

/// What one fetch brought.
pub(crate) struct Batch {
    pub(crate) jobs: Vec<Leased>,
    /// Ready jobs are left behind.
    pub(crate) more: bool,
    /// When the partition changes by itself, counted from the answer.
    pub(crate) next_change: Option<Duration>,
    /// Jobs that wait for a worker with nothing else in hand; told to one worker at a time.
    pub(crate) suspects: u64,
    /// Jobs that this fetch found dead of the deaths of their workers.
    pub(crate) buried: Vec<Buried>,
}

/// A job that a fetch made dead.
pub(crate) struct Buried {
    pub(crate) id: JobId,
    pub(crate) queue: String,
    pub(crate) reason: String,
    /// As it is stored.
    pub(crate) payload: Vec<u8>,
}

/// What a fetch asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// How long each lease lasts.
    pub(crate) period: Duration,
    /// Jobs at most.
    pub(crate) most: usize,
    /// The caller has nothing else in hand, so it may run a suspect.
    pub(crate) alone: bool,
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
            let wanted = Wanted {
                period,
                most: room,
                alone: false,
            };
            jobs.extend(fetch_from(partition, name, wanted).await?.jobs);
        }
    }
    Ok(jobs)
}

/// Leases a job that its workers died with, if one waits, for a caller that has nothing else in hand; else up to one
/// other job.
///
/// Three deaths during such leases make the job dead: no other job can have caused them.
pub async fn fetch_alone(
    queue: &Queue,
    name: &QueueName,
    period: Duration,
) -> Result<Option<Leased>, QueueError> {
    let wanted = Wanted {
        period,
        most: 1,
        alone: true,
    };
    for partition in &queue.inner.partitions {
        let batch = fetch_from(partition, name, wanted).await?;
        if let Some(job) = batch.jobs.into_iter().next() {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

/// Stores `job`, and leases up to `most` jobs of its queue and partition in the same step.
pub async fn enqueue_and_fetch(
    queue: &Queue,
    job: NewJob,
    period: Duration,
    most: usize,
) -> Result<(Enqueued, Vec<Leased>), QueueError> {
    let partition = queue.partition_of(job.lanes.top()).clone();
    let call = queue.storing_call(&partition, &job)?;
    let wanted = Wanted {
        period,
        most,
        alone: false,
    };
    let (texts, batch) = store_and_fetch(&partition, call, job.queue, wanted).await?;
    let text = texts.first().map_or("", String::as_str);
    Ok((Enqueued::parse(text), batch.jobs))
}

/// Sends a call that stores jobs, with a fetch behind it.
pub(crate) async fn store_and_fetch(
    partition: &Partition,
    mut call: ScriptInvocation<'static>,
    name: QueueName,
    wanted: Wanted,
) -> Result<(Vec<String>, Batch), QueueError> {
    let origin = want(&mut call, partition, name, wanted)?;
    let (texts, answer): (_, Vec<Value>) = partition.invoke(&call).await?;
    Ok((texts, read_batch(answer, &origin)?))
}

/// The payload of a job as JSON.
pub fn payload(queue: &Queue, leased: &Leased) -> Result<String, PayloadError> {
    let keys = &queue.inner.options.payload_keys;
    payload::read(keys, &leased.lease.id, &leased.payload)
}

/// Lets up to `most` waiting jobs of `batch` join the attempt of `lease`; see [`Queue::claim_more`].
pub(crate) async fn claim(
    partition: &Partition,
    lease: &Lease,
    batch: &str,
    most: usize,
) -> Result<Vec<Leased>, QueueError> {
    let mut call = partition.call(&scripts::CLAIM_JOBS);
    call.arg(&*lease.reference)
        .arg(lease.token.as_str())
        .arg(batch)
        .arg(most)
        .arg(DEATHS_IN_COMPANY);
    let answer: Vec<Value> = partition.invoke(&call).await?;
    let origin = Origin {
        partition: lease.partition,
        queue: lease.queue.clone(),
        until: lease.until(),
    };
    read_claimed(answer, &origin)
        .map_err(QueueError::Redis)?
        .ok_or(QueueError::LeaseLost)
}

/// Ends the attempt of `lease`, and with it the jobs that joined it. False if the lease had passed on: then it changed
/// nothing.
pub async fn settle(
    queue: &Queue,
    lease: &Lease,
    verb: Verb,
    reason: &str,
) -> Result<bool, QueueError> {
    let ack = Ack::of_all(lease, &verb, reason);
    let flags = settle_in(queue.home_of(lease), &[ack]).await?;
    Ok(flags.first() == Some(&1))
}

/// Makes `lease` last for `period` from now on, and with it those of the jobs that joined it. False if one had passed on.
pub async fn renew(queue: &Queue, lease: &Lease, period: Duration) -> Result<bool, QueueError> {
    let flags = renew_in(queue.home_of(lease), period, std::slice::from_ref(lease)).await?;
    Ok(flags.first() == Some(&1))
}

/// One fetch from one partition.
pub(crate) async fn fetch_from(
    partition: &Partition,
    name: &QueueName,
    wanted: Wanted,
) -> Result<Batch, QueueError> {
    let mut call = partition.call(&scripts::FETCH_JOBS);
    let origin = want(&mut call, partition, *name, wanted)?;
    let answer: Vec<Value> = partition.invoke(&call).await?;
    read_batch(answer, &origin)
}

/// Adds to a call what its fetch needs. The leases count from now, so that they never outlast what Redis knows.
fn want(
    call: &mut ScriptInvocation<'_>,
    partition: &Partition,
    name: QueueName,
    wanted: Wanted,
) -> Result<Origin, QueueError> {
    let until = Instant::now() + wanted.period;
    let name = name.to_string();
    call.arg(&name)
        .arg(wanted.period.as_millis().to_string())
        .arg(wanted.most)
        .arg(DEATHS_IN_COMPANY)
        .arg(DEATHS_ALONE)
        .arg(u8::from(wanted.alone));
    for token in Token::fresh(wanted.most)? {
        call.arg(token.as_str());
    }
    Ok(Origin {
        partition: partition.number,
        queue: name.into(),
        until,
    })
}

/// Where the jobs of a batch come from, and until when they are leased.
struct Origin {
    partition: u16,
    queue: Arc<str>,
    until: Instant,
}

/// Reads what a fetch answers.
fn read_batch(answer: Vec<Value>, origin: &Origin) -> Result<Batch, QueueError> {
    read_values(answer, origin).map_err(QueueError::Redis)
}

fn read_values(answer: Vec<Value>, origin: &Origin) -> RedisResult<Batch> {
    let mut values = answer.into_iter();
    let mut number = || values.next().map_or(Ok(-1), i64::from_redis_value);
    let (more, next, suspects) = (number()?, number()?, number()?);
    let (mut jobs, mut buried) = (Vec::new(), Vec::new());
    while let Some(reference) = values.next() {
        if let Value::Array(dead) = reference {
            buried = read_buried(dead)?;
        } else {
            jobs.push(read_job(reference, &mut values, origin)?);
        }
    }
    Ok(Batch {
        jobs,
        more: more == 1,
        next_change: u64::try_from(next).ok().map(Duration::from_millis),
        suspects: u64::try_from(suspects).unwrap_or(0),
        buried,
    })
}

/// `None` if the lease is lost.
fn read_claimed(answer: Vec<Value>, origin: &Origin) -> RedisResult<Option<Vec<Leased>>> {
    let mut values = answer.into_iter();
    let held = values.next().map_or(Ok(0), u8::from_redis_value)?;
    let mut jobs = Vec::new();
    while let Some(reference) = values.next() {
        jobs.push(read_job(reference, &mut values, origin)?);
    }
    Ok((held == 1).then_some(jobs))
}

fn read_buried(values: Vec<Value>) -> RedisResult<Vec<Buried>> {
    let mut values = values.into_iter();
    let mut buried = Vec::new();
    while let Some(id) = values.next() {
        let mut value = || values.next().unwrap_or(Value::Nil);
        buried.push(Buried {
            id: JobId::from_stored(text(id)?),
            queue: text(value())?,
            reason: text(value())?,
            payload: Vec::from_redis_value(value())?,
        });
    }
    Ok(buried)
}

/// A job whose ref was read, and whose other values come next.
fn read_job(
    reference: Value,
    values: &mut impl Iterator<Item = Value>,
    origin: &Origin,
) -> RedisResult<Leased> {
    let mut field = || values.next().unwrap_or(Value::Nil);
    let (id, token) = (text(field())?, text(field())?);
    let (attempt, since) = attempt(field())?;
    let (faults, deaths) = (number(field())?, number(field())?);
    let enqueued_at = Timestamp::from_millisecond(i64::from_redis_value(field())?);
    let enqueued_at = enqueued_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let granted = Granted {
        id: JobId::from_stored(id),
        token: token.into(),
        reference: text(reference)?,
        queue: origin.queue.clone(),
        enqueued_at,
        partition: origin.partition,
    };
    Ok(Leased {
        lease: Lease::new(granted, origin.until),
        attempt,
        faults,
        deaths,
        enqueued_at,
        waits_since: since.unwrap_or(enqueued_at),
        lane: LaneName::from_stored(text(field())?),
        trace: trace::unpack(&Vec::from_redis_value(field())?),
        payload: Vec::from_redis_value(field())?,
    })
}

fn text(value: Value) -> RedisResult<String> {
    Ok(String::from_redis_value(value)?)
}

/// The number of an attempt, and of one that is not the first also when its job began to wait for it.
fn attempt(value: Value) -> RedisResult<(u32, Option<Timestamp>)> {
    if let Value::Int(_) = value {
        return Ok((number(value)?, None));
    }
    let text = text(value)?;
    let (attempt, since) = text.split_once(' ').unwrap_or((&text, ""));
    let since = since
        .parse()
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok((attempt.parse().unwrap_or(1), since))
}

fn number(value: Value) -> RedisResult<u32> {
    Ok(u32::from_redis_value(value)?)
}

/// Ends attempts of one partition together. One flag for each job: 1 applied, 0 refused.
pub(crate) async fn settle_in(partition: &Partition, acks: &[Ack]) -> Result<Vec<u8>, QueueError> {
    let mut call = partition.call(&scripts::SETTLE_JOBS);
    write_acks(&mut call, acks);
    partition.invoke(&call).await
}

/// Ends attempts as [`settle_in`] does, and leases what waits in the queue called `name`.
pub(crate) async fn settle_and_fetch(
    partition: &Partition,
    acks: &[Ack],
    name: QueueName,
    wanted: Wanted,
) -> Result<(Vec<u8>, Batch), QueueError> {
    let mut call = partition.call(&scripts::SETTLE_AND_FETCH);
    write_acks(&mut call, acks);
    let origin = want(&mut call, partition, name, wanted)?;
    let (flags, answer): (_, Vec<Value>) = partition.invoke(&call).await?;
    Ok((flags, read_batch(answer, &origin)?))
}

/// All of one queue.
fn write_acks(call: &mut ScriptInvocation<'_>, acks: &[Ack]) {
    let each = || acks.iter().flat_map(Ack::each);
    call.arg(acks.first().map_or("", |ack| &*ack.lease.queue))
        .arg(each().count());
    for ack in each() {
        call.arg(&*ack.lease.reference)
            .arg(ack.lease.token.as_str())
            .arg(&*wire(ack))
            .arg(ack.lease.enqueued_at.as_millisecond());
    }
}

/// Renews leases of one partition together. One flag for each: 1 renewed, 0 lost, or a job that joined it is.
///
/// A renewed lease counts from before the request, so that it never outlasts what Redis knows.
pub(crate) async fn renew_in(
    partition: &Partition,
    period: Duration,
    leases: &[Lease],
) -> Result<Vec<u8>, QueueError> {
    let mut call = partition.call(&scripts::RENEW_LEASES);
    call.arg(period.as_millis().to_string());
    let mut jobs = Vec::with_capacity(leases.len());
    for lease in leases {
        let joined = lease.companions();
        call.arg(&*lease.reference).arg(lease.token.as_str());
        for companion in &joined {
            call.arg(&*companion.reference).arg(lease.token.as_str());
        }
        jobs.push(1 + joined.len());
    }
    let sent = Instant::now();
    let renewed: Vec<u8> = partition.invoke(&call).await?;
    let mut renewed = renewed.into_iter();
    let flags = jobs.iter().map(|count| {
        let all = renewed.by_ref().take(*count);
        all.min().unwrap_or(0)
    });
    let flags: Vec<u8> = flags.collect();
    for (lease, _) in leases.iter().zip(&flags).filter(|(_, flag)| **flag == 1) {
        lease.renewed(sent, period);
    }
    Ok(flags)
}

/// The end of an attempt in one text. Most say nothing but that it is done.
fn wire(ack: &Ack) -> Cow<'static, str> {
    let verb = ack.verb.as_str();
    let argument = match &ack.verb {
        Verb::Complete if ack.reason.is_empty() => return Cow::Borrowed(verb),
        Verb::Complete | Verb::Release | Verb::Dead => String::new(),
        Verb::Again(at) | Verb::Retry(at) | Verb::Defer(at) | Verb::Snooze(at) => {
            at.as_millisecond().to_string()
        }
        Verb::Hold(group) => group.replace('\n', " "),
    };
    Cow::Owned(format!("{verb}\n{argument}\n{}", cut(&ack.reason)))
}

fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
