//! Takes each step with the shipped scripts and with the model, and fails where they differ.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use proptest::sample::Index;
use signalbox_core::{JobId, LaneChain, LaneLimits, LaneName, Payload};
use signalbox_queue::{
    LaneFault, Lease, NewJob, Operated, Permission, Permit, Queue, QueueError,
    protocol::{self, Leased, Verb},
};

use super::{
    handed_out, lanes,
    look::{self, Difference, ensure},
    model::{LEASE, Model, lane_of},
    moves::{self, Moves},
    step::{BATCHES, Change, End, GROUPS, LANES, News, Pick, Step},
};
use crate::{Note, RedisServer};

const PERIOD: Duration = Duration::from_secs(10);
/// Any instant: the scripts are told it.
const BEGIN: i64 = 1_800_000_000_000;
/// Other databases of the server hold the copy.
const CHECKPOINT: &str = "redis.call('SELECT', 1) redis.call('FLUSHDB') redis.call('SELECT', 0) \
    for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1) end return 'done'";
const LOSE: &str = "redis.call('FLUSHDB') redis.call('SELECT', 1) \
    for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 0) end return 'done'";

/// The queue and the model side by side.
pub(super) struct Pair<'a> {
    redis: &'a RedisServer,
    queue: Queue,
    model: Model,
    /// What the model was at the checkpoint.
    kept: Model,
    /// Every lease there ever was, also of what was lost.
    leases: Vec<(usize, Lease)>,
    permits: BTreeMap<usize, Permit>,
    told: usize,
    pub(super) moves: Moves,
}

pub(super) fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).expect("the model's instants are in this century")
}

pub(super) fn job_id(job: usize) -> JobId {
    JobId::new([format!("job-{job}").as_str()])
}

fn lane_name(lane: usize) -> LaneName {
    LaneName::new([LANES[lane]])
}

impl<'a> Pair<'a> {
    /// Both empty.
    pub(super) async fn new(redis: &'a RedisServer) -> Self {
        redis.command("FLUSHALL");
        let model = Model::new(BEGIN);
        let pair = Self {
            redis,
            queue: redis.queue().await,
            kept: model.clone(),
            model,
            leases: Vec::new(),
            permits: BTreeMap::new(),
            told: 0,
            moves: Moves::default(),
        };
        redis.script(CHECKPOINT);
        pair
    }

    /// Takes one step, and compares everything afterwards.
    pub(super) async fn take(&mut self, step: &Step) -> Result<(), Difference> {
        let queue = self.queue.at(instant(self.model.now));
        let before = moves::states(&self.model);
        match step {
            Step::Enqueue(news) => self.enqueue(&queue, news).await?,
            Step::EnqueueAndFetch(news, most) => {
                self.enqueue_and_fetch(&queue, news, *most).await?;
            }
            Step::Fetch(most) => {
                let name = &Note::QUEUE;
                let jobs = protocol::fetch(&queue, name, PERIOD, *most).await?;
                self.handed_out(jobs, *most, false)?;
            }
            Step::FetchAlone => {
                let job = protocol::fetch_alone(&queue, &Note::QUEUE, PERIOD).await?;
                self.handed_out(job.into_iter().collect(), 1, true)?;
            }
            Step::Claim { by, batch, most } => self.claim(&queue, by, *batch, *most).await?,
            Step::Settle(pick, end) => self.settle(&queue, pick, *end).await?,
            Step::Renew(pick) => self.renew(&queue, pick).await?,
            Step::Pass(ms) => self.model.now += ms,
            Step::Lane(lane, change) => self.change(&queue, *lane, *change).await?,
            Step::Permit { by, weight } => self.permit(&queue, by, *weight).await?,
            Step::GiveBack(index) => self.give_back(&queue, index).await?,
            Step::Checkpoint => {
                self.redis.script(CHECKPOINT);
                self.kept = self.model.clone();
            }
            Step::LoseWrites => {
                self.redis.script(LOSE);
                let now = self.model.now;
                self.model = self.kept.clone();
                self.model.now = now;
            }
            by_hand => self.operate(&queue, by_hand).await?,
        }
        // What a Redis lost is no change that a script made.
        if !matches!(step, Step::LoseWrites) {
            self.moves.note(&before, &mut self.model)?;
        }
        let queue = self.queue.at(instant(self.model.now));
        look::compare(&queue, self.redis, &self.model).await
    }

    async fn enqueue(&mut self, queue: &Queue, news: &[News]) -> Result<(), Difference> {
        for one in news {
            if let Some((job, payload)) = self.news(one) {
                let stored = queue.enqueue(job).await?;
                let expected = self.model.enqueue(one, &payload);
                ensure("an enqueue", &format!("{stored:?}"), &expected)?;
            }
        }
        Ok(())
    }

    async fn enqueue_and_fetch(
        &mut self,
        queue: &Queue,
        news: &News,
        most: usize,
    ) -> Result<(), Difference> {
        let Some((job, payload)) = self.news(news) else {
            return Ok(());
        };
        let (stored, jobs) = protocol::enqueue_and_fetch(queue, job, PERIOD, most).await?;
        let expected = self.model.enqueue(news, &payload);
        ensure("an enqueue", &format!("{stored:?}"), &expected)?;
        self.handed_out(jobs, most, false)
    }

    /// The job and the text of its payload.
    fn news(&mut self, news: &News) -> Option<(NewJob, String)> {
        // Whether such a job is set apart already depends on how far a fetch got.
        let known = self.model.jobs[news.job].as_ref();
        let suspect = known.is_some_and(|job| job.held.is_none() && job.is_suspect());
        if suspect && news.changed.is_some() {
            return None;
        }
        self.told += 1;
        let payload = format!("news-{}-", self.told);
        Some((self.new_job(news, &payload), payload))
    }

    fn new_job(&self, news: &News, text: &str) -> NewJob {
        let lanes = LaneChain::root(Note::root()).below(lane_name(lane_of(news.job)));
        let note = Note {
            text: text.to_owned(),
        };
        let mut job = NewJob::new(job_id(news.job), lanes, note, None).expect("a note is JSON");
        if let Some(changed) = news.changed {
            job = job.keep_last(instant(changed));
        }
        if let Some(due) = news.due {
            job = job.due(instant(self.model.now + due));
        }
        if let Some(batch) = news.batch {
            job = job.batched_with(BATCHES[batch]);
        }
        match news.group {
            Some(group) => job.held_with(GROUPS[group]),
            None => job,
        }
    }

    fn handed_out(
        &mut self,
        jobs: Vec<Leased>,
        most: usize,
        alone: bool,
    ) -> Result<(), Difference> {
        let taken = handed_out::check(&mut self.model, jobs, most, alone)?;
        self.leases.extend(taken);
        Ok(())
    }

    fn pick(&self, pick: &Pick) -> Option<(usize, Lease)> {
        let current = |(job, lease): &&(usize, Lease)| self.model.holds(*job, lease.token.as_str());
        let among: Vec<_> = self
            .leases
            .iter()
            .filter(|lease| pick.late || current(lease))
            .collect();
        (!among.is_empty())
            .then(|| pick.index.get(&among))
            .map(|lease| (*lease).clone())
    }

    async fn settle(&mut self, queue: &Queue, pick: &Pick, end: End) -> Result<(), Difference> {
        let Some((job, lease)) = self.pick(pick) else {
            return Ok(());
        };
        let verb = verb(end, self.model.now);
        let applied = protocol::settle(queue, &lease, verb, "").await?;
        let expected = self.model.settle(job, lease.token.as_str(), end);
        for joined in self.joined(job, &lease) {
            self.model.settle(joined, lease.token.as_str(), end);
        }
        ensure("an end", &applied, &expected)
    }

    async fn renew(&mut self, queue: &Queue, pick: &Pick) -> Result<(), Difference> {
        let Some((job, lease)) = self.pick(pick) else {
            return Ok(());
        };
        let renewed = protocol::renew(queue, &lease, PERIOD).await?;
        let mut expected = self.model.renew(job, lease.token.as_str());
        for joined in self.joined(job, &lease) {
            expected &= self.model.renew(joined, lease.token.as_str());
        }
        ensure("a renewal", &renewed, &expected)
    }

    async fn claim(
        &mut self,
        queue: &Queue,
        by: &Pick,
        batch: usize,
        most: usize,
    ) -> Result<(), Difference> {
        let Some((job, lease)) = self.pick(by) else {
            return Ok(());
        };
        let name = BATCHES[batch];
        let claimed = match queue.claim_more::<Note>(&lease, name, most).await {
            Ok(jobs) => Some(jobs),
            Err(QueueError::LeaseLost) => None,
            Err(error) => return Err(error.into()),
        };
        let ids = claimed.iter().flatten().map(|job| job.lease.id.clone());
        let told = claimed.as_ref().map(|_| ids.collect::<Vec<_>>());
        let expected = self.model.claim(job, lease.token.as_str(), batch, most);
        let ids = |jobs: &Vec<usize>| jobs.iter().map(|job| job_id(*job)).collect();
        ensure("a claim", &told, &expected.as_ref().map(ids))?;
        for (index, claimed) in expected.iter().flatten().zip(claimed.iter().flatten()) {
            handed_out::check_claimed(&self.model, *index, claimed)?;
            self.leases.push((*index, claimed.lease.clone()));
        }
        Ok(())
    }

    /// The jobs that joined an attempt. The first lease with its token is the one that they joined.
    fn joined(&self, job: usize, lease: &Lease) -> Vec<usize> {
        let same = self
            .leases
            .iter()
            .filter(|(_, one)| one.token == lease.token);
        let all: Vec<usize> = same.map(|(job, _)| *job).collect();
        match all.split_first() {
            Some((first, joined)) if *first == job => joined.to_vec(),
            _ => Vec::new(),
        }
    }

    async fn operate(&mut self, queue: &Queue, step: &Step) -> Result<(), Difference> {
        let (told, expected): (Operated, String) = match step {
            Step::Cancel(job) => (
                queue.cancel_job(&job_id(*job), "").await?,
                self.model.cancel(*job),
            ),
            Step::Hold { job, group } => {
                let held = queue.hold_job(&job_id(*job), GROUPS[*group], "").await?;
                (held, self.model.hold(*job, *group))
            }
            Step::Release(job) => (
                queue.release_job(&job_id(*job)).await?,
                self.model.release(*job),
            ),
            Step::Revive(job) => (
                queue.revive_job(&job_id(*job)).await?,
                self.model.revive(*job),
            ),
            Step::EndHold { group, seen } => return self.end_hold(queue, *group, *seen).await,
            _ => return Ok(()),
        };
        ensure("a word of a person", &format!("{told:?}"), &expected)
    }

    async fn end_hold(
        &mut self,
        queue: &Queue,
        group: usize,
        seen: bool,
    ) -> Result<(), Difference> {
        let ended = if seen {
            queue.mark_group_as_seen(GROUPS[group]).await?
        } else {
            queue.release_group(GROUPS[group]).await?
        };
        ensure(
            "the end of a hold",
            &ended,
            &self.model.end_hold(group, seen),
        )
    }

    async fn change(
        &mut self,
        queue: &Queue,
        lane: usize,
        change: Change,
    ) -> Result<(), Difference> {
        let (root, name, now) = (Note::root(), lane_name(lane), self.model.now);
        let changed = match change {
            Change::Close(at) => queue.close_lane(&root, &name, instant(now + at), "").await,
            Change::Open => queue.open_lane(&root, &name).await,
            Change::Pause => queue.pause_lane(&root, &name, "").await,
            Change::Resume => queue.resume_lane(&root, &name).await,
            Change::Mend => queue.mend_lane(&root, &name).await,
            Change::Break { probe, every } => {
                let fault = LaneFault {
                    cause: "a fault".to_owned(),
                    next_action: "mend it".to_owned(),
                };
                let every = Duration::from_millis(every.unsigned_abs());
                let probes = (instant(now + probe), every);
                queue.break_lane(&root, &name, &fault, probes).await
            }
        };
        changed?;
        self.model.lanes.change(lane, change, now);
        Ok(())
    }

    async fn permit(&mut self, queue: &Queue, by: &Pick, weight: u64) -> Result<(), Difference> {
        let Some((job, lease)) = self.pick(by) else {
            return Ok(());
        };
        let lane = lane_of(job);
        let limits = |at: usize, windows: &[&str]| LaneLimits {
            concurrency: Some(lanes::AT_ONCE[at]),
            windows: windows
                .iter()
                .filter_map(|window| window.parse().ok())
                .collect(),
        };
        let asked = [
            (lane_name(lane), limits(1, &[])),
            (lane_name(0), limits(0, &[lanes::WINDOW])),
        ];
        let answer = queue.permit(&lease, &asked, weight).await;
        let token = lease.token.as_str();
        let holds = self.model.holds(job, token);
        ensure(
            "a lease",
            &!matches!(answer, Err(QueueError::LeaseLost)),
            &holds,
        )?;
        if !holds {
            return Ok(());
        }
        let Model { lanes, now, .. } = self.model.clone();
        let current = |by: &(usize, String)| self.model.holds(by.0, &by.1);
        match answer? {
            Permission::Granted(permit) => {
                self.told += 1;
                let mut after = lanes;
                let by = (job, token.to_owned());
                after.grant(self.told, by, (lane, weight, now), current)?;
                self.model.lanes = after;
                self.permits.insert(self.told, permit);
                Ok(())
            }
            Permission::Wait { until, why, .. } => {
                let needless = lanes.must_grant(lane, weight, now, current);
                ensure(&format!("a refusal for {why}"), &needless, &false)?;
                ensure("a wait until later", &(until > instant(now)), &true)
            }
        }
    }

    async fn give_back(&mut self, queue: &Queue, index: &Index) -> Result<(), Difference> {
        if self.permits.is_empty() {
            return Ok(());
        }
        let numbers: Vec<usize> = self.permits.keys().copied().collect();
        let number = *index.get(&numbers);
        if let Some(permit) = self.permits.remove(&number) {
            queue.give_back(permit).await?;
            self.model.lanes.give_back(number);
        }
        Ok(())
    }
}

fn verb(end: End, now: i64) -> Verb {
    match end {
        End::Complete => Verb::Complete,
        End::Again(at) => Verb::Again(instant(now + at)),
        End::Retry(at) => Verb::Retry(instant(now + at)),
        End::Defer(at) => Verb::Defer(instant(now + at)),
        End::Snooze(at) => Verb::Snooze(instant(now + at)),
        End::Release => Verb::Release,
        End::Dead => Verb::Dead,
        End::Hold(group) => Verb::Hold(GROUPS[group].to_owned()),
    }
}

const _: () = assert!(LEASE == 10_000, "both clocks run at the same speed");
