//! What a fetch may hand out, and what it may not leave behind.

use signalbox_core::JobId;
use signalbox_queue::{JobState, Lease, protocol::Leased};

use super::{
    drive::job_id,
    look::{Difference, ensure},
    model::{Job, Model, lane_of},
    step::{JOBS, LANES},
};
use crate::Note;

/// Holds the jobs of a fetch against the model, and leases them there. Returns the leases by job.
pub(super) fn check(
    model: &mut Model,
    jobs: Vec<Leased>,
    most: usize,
    alone: bool,
) -> Result<Vec<(usize, Lease)>, Difference> {
    model.catch_up();
    let count = jobs.len();
    if count > most {
        return Err(format!("{count} jobs were handed out, {most} were asked for").into());
    }
    let mut taken = Vec::new();
    for leased in jobs {
        let index = index_of(&leased.lease.id)?;
        may_go(model, index, alone)?;
        check_fields(model, index, &leased)?;
        model.lease(index, leased.lease.token.as_str().to_owned(), alone);
        taken.push((index, leased.lease));
    }
    if count < most {
        none_left_behind(model)?;
    }
    Ok(taken)
}

fn index_of(id: &JobId) -> Result<usize, Difference> {
    let found = (0..JOBS).find(|job| job_id(*job) == *id);
    found.ok_or_else(|| format!("the job {id:?} was handed out and never enqueued").into())
}

/// Ready jobs of `lane` that need not run alone, in the order of their places.
fn line_of(model: &Model, lane: usize) -> Vec<usize> {
    let stands = |index: &usize| {
        let job = model.jobs[*index].as_ref();
        lane_of(*index) == lane
            && job.is_some_and(|job| job.state == JobState::Ready && !job.is_suspect())
    };
    let mut waiting: Vec<usize> = (0..JOBS).filter(stands).collect();
    waiting.sort_by_key(|index| model.jobs[*index].as_ref().map(|job| job.place));
    waiting
}

fn may_go(model: &Model, index: usize, alone: bool) -> Result<(), Difference> {
    let (lane, job) = (lane_of(index), model.jobs[index].as_ref());
    if model.lanes.is_shut(lane, model.now) {
        return Err(format!("job {index} came out of the shut lane {}", LANES[lane]).into());
    }
    let state = job.map(|job| job.state);
    ensure("a job that is handed out", &state, &Some(JobState::Ready))?;
    if job.is_some_and(Job::is_suspect) {
        ensure(
            "a suspect probes a lane",
            &model.lanes.is_broken(lane),
            &false,
        )?;
        return ensure("a suspect's worker is alone", &alone, &true);
    }
    ensure(
        "the first of its lane",
        &Some(&index),
        &line_of(model, lane).first(),
    )
}

fn check_fields(model: &Model, index: usize, leased: &Leased) -> Result<(), Difference> {
    let Some(job) = &model.jobs[index] else {
        return Ok(());
    };
    let told = (leased.attempt, leased.faults, leased.deaths);
    ensure(
        "attempt, faults, deaths",
        &told,
        &(job.attempt + 1, job.faults, job.deaths),
    )?;
    let enqueued = leased.enqueued_at.as_millisecond();
    ensure("the instant of the enqueue", &enqueued, &job.enqueued)?;
    let payload = String::from_utf8_lossy(&leased.payload);
    ensure("the payload", &payload.contains(&job.payload), &true)
}

/// Holds a job that joined an attempt against the model.
pub(super) fn check_claimed(
    model: &Model,
    index: usize,
    claimed: &signalbox_queue::Job<Note>,
) -> Result<(), Difference> {
    let Some(job) = &model.jobs[index] else {
        return Ok(());
    };
    ensure("the attempt", &claimed.attempt, &(job.attempt + 1))?;
    let enqueued = claimed.enqueued_at.as_millisecond();
    ensure("the instant of the enqueue", &enqueued, &job.enqueued)?;
    ensure("the payload", &claimed.payload.text, &job.payload)
}

fn none_left_behind(model: &Model) -> Result<(), Difference> {
    for lane in 1..LANES.len() {
        if !model.lanes.is_shut(lane, model.now) {
            let nobody: Vec<usize> = Vec::new();
            ensure(
                "ready jobs of an open lane after a fetch",
                &line_of(model, lane),
                &nobody,
            )?;
        }
    }
    Ok(())
}
