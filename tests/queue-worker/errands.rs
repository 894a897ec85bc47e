//! An errand: leave is asked for, and the request is written the moment it is given.

use anyhow::{Result, ensure};
use harness::crew::{Errand, Limited, Request};
use signalbox_core::{Clock, Completion, JobError, JobResult, LaneLimits, LaneName, SystemClock};
use signalbox_queue::{Job, Permission, Queue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

pub(crate) async fn run(job: Job<Errand>, queue: Queue) -> JobResult {
    let lanes: Vec<(LaneName, LaneLimits)> = job.payload.lanes.iter().map(pair).collect();
    // Connected before, so that the request follows the leave without a delay.
    let upstream = UnixStream::connect(&job.payload.upstream).await;
    let upstream = upstream.map_err(JobError::transient)?;
    let asked = now();
    let permission = queue.permit(&job.lease, &lanes, 1).await;
    let granted = now();
    match permission.map_err(JobError::transient)? {
        Permission::Wait { until, why, .. } => Err(JobError::snooze(until, why)),
        Permission::Granted(permit) => {
            let lane = job.lane.as_str().to_owned();
            let request = Request {
                lane,
                asked,
                granted,
            };
            let sent = send(upstream, &request).await;
            queue.give_back(permit).await.map_err(JobError::transient)?;
            sent.map_err(JobError::transient)?;
            Ok(Completion::default())
        }
    }
}

fn pair(limited: &Limited) -> (LaneName, LaneLimits) {
    (limited.name(), limited.limits.clone())
}

fn now() -> i64 {
    SystemClock.now().as_microsecond()
}

/// Returns when the upstream has answered.
async fn send(mut upstream: UnixStream, request: &Request) -> Result<()> {
    let line = serde_json::to_string(request)? + "\n";
    upstream.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    upstream.read_to_string(&mut answer).await?;
    ensure!(answer == "ok\n", "the upstream answered `{answer}`");
    Ok(())
}
