//! What Redis can do at best: `redis-benchmark` with the smallest commands that a queue could make do with.
//!
//! A job costs at least one list push to enqueue, and one list move and one counter to process.
//! In so many of them at once as the shape has, and on one connection, as all contestants are.

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::{contestant::How, figures::Sample, say, server::Server, shape::Plan};

const PUSH: [&str; 2] = ["LPUSH", "waiting"];
const TAKE: [&str; 5] = ["LMOVE", "waiting", "waiting", "RIGHT", "LEFT"];
const END: [&str; 2] = ["INCR", "done"];

/// `None` where nothing comparable can be asked of Redis.
pub(crate) async fn sample(plan: Plan, server: &Server) -> Option<Sample> {
    let sampled = match plan {
        Plan::Enqueue(count, how) => enqueue(server, count, how).await,
        Plan::Process(count, concurrency) => process(server, count, concurrency).await,
        Plan::Backlog { processed, .. } | Plan::Lanes { processed, .. } => {
            process(server, processed, 100).await
        }
        Plan::Pickup(count) => pickup(server, count).await,
        Plan::Memory(_) => return None,
    };
    sampled
        .inspect_err(|error| say(&format!("no limit is measured: {error:#}")))
        .ok()
}

async fn enqueue(server: &Server, count: usize, how: How) -> Result<Sample> {
    let payload = "x".repeat(100);
    let (together, pipeline) = match how {
        How::OneByOne => (1, 1),
        How::InFlight(width) => (1, width),
        How::Bulk(size) => (size, 1),
    };
    let mut push = PUSH.to_vec();
    push.extend(std::iter::repeat_n(payload.as_str(), together));
    let rate = rate(server, count.div_ceil(together), pipeline, &push).await?;
    Ok(only(rate * together as f64))
}

async fn process(server: &Server, count: usize, concurrency: usize) -> Result<Sample> {
    rate(server, 1, 1, &[PUSH[0], PUSH[1], "x"]).await?;
    let take = rate(server, count, concurrency, &TAKE).await?;
    let end = rate(server, count, concurrency, &END).await?;
    Ok(only(1.0 / (1.0 / take + 1.0 / end)))
}

/// Two round trips: one that brings the job, one that takes it.
async fn pickup(server: &Server, count: usize) -> Result<Sample> {
    let rate = rate(server, count, 1, &[PUSH[0], PUSH[1], "x"]).await?;
    Ok(only(2000.0 / rate))
}

fn only(value: f64) -> Sample {
    Sample {
        value,
        ..Sample::default()
    }
}

/// Commands per second.
async fn rate(server: &Server, count: usize, pipeline: usize, command: &[&str]) -> Result<f64> {
    let numbers = [
        server.port().to_string(),
        count.to_string(),
        pipeline.to_string(),
    ];
    let [port, count, pipeline] = &numbers;
    let output = Command::new("redis-benchmark")
        .args(["-p", port, "-n", count, "-P", pipeline, "-c", "1", "--csv"])
        .args(command)
        .kill_on_drop(true)
        .output()
        .await
        .context("there is no `redis-benchmark`")?;
    ensure!(output.status.success(), "`redis-benchmark` failed");
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).with_context(|| format!("`redis-benchmark` said `{}`", text.trim()))
}

/// The second column of the last line.
fn read(csv: &str) -> Option<f64> {
    let line = csv.lines().rfind(|line| !line.trim().is_empty())?;
    // The command stands in front, in quotes, and has no quotes within.
    line.split('"').nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_rate_is_read_from_behind_the_command() {
        let csv = "\"test\",\"rps\"\n\"LPUSH waiting x,y\",\"1250.50\",\"0.7\"\n";
        assert_eq!(read(csv), Some(1250.5));
        assert_eq!(read("WARNING\n"), None);
    }
}
