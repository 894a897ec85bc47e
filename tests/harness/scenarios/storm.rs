//! Eight worker processes send requests through lanes whose gates are closed and opened at random.
//!
//! The upstream notes when each request came and when it was answered; each request says when its worker asked for
//! leave and when it had it. All of them, and Redis, read the clock of one machine. So an early request, or one over
//! a limit, is found without anything that the queue says about itself.

mod judge;
mod upstream;
mod weather;

use std::time::Duration;

use anyhow::Result;
use signalbox_core::LaneName;
use signalbox_queue::JobState;
use tokio_util::sync::CancellationToken;

use self::{judge::Verdict, upstream::Upstream};
use super::{Criterion, Size, count};
use crate::crew::{Crew, Errand, Habits, Limited};

const TEAMS: u32 = 3;
/// In each team.
const CHANNELS: u32 = 4;
/// Each binds now and then: requests take 20 to 100 ms.
const TENANT_LIMITS: &str = "8 120/1s 450/4s";
const TEAM_LIMITS: &str = "3 60/1s";
const CHANNEL_LIMITS: &str = "1 8/500ms 28/2s";

pub(super) async fn play(size: Size) -> Result<Vec<Criterion>> {
    let requests = size.pick(3_000, 240);
    let habits = Habits {
        lease: Duration::from_secs(10),
        concurrency: 8,
    };
    let mut crew = Crew::gather(habits, &[]).await?;
    let upstream = Upstream::open()?;
    let jobs = (0..requests).map(|number| errand(number, &upstream).job());
    crew.queue.enqueue_all(jobs.collect::<Result<_>>()?).await?;
    let members = crew.hire_some(8)?;
    let calm = CancellationToken::new();
    let storm = weather::blow(&crew.queue, lanes(), &calm);
    let worked = async {
        let idle = crew.until_idle().await;
        calm.cancel();
        idle
    };
    let (closures, ()) = tokio::try_join!(storm, worked)?;
    for member in members {
        member.stop().await?;
    }
    let served = upstream.close().await;
    let verdict = Verdict::of(&lanes(), &served, &closures);
    let refused = crew.accepted("snooze")?;
    Ok(vec![
        Criterion::exactly(
            "storm: requests judged",
            count(served.len()),
            requests.into(),
        ),
        Criterion::at_least("storm: gates closed", count(closures.len()), 10),
        Criterion::at_least("storm: requests that had to wait", refused, 10),
        Criterion::none("storm: early", verdict.early),
        Criterion::none(
            "storm: over a window when leave was given",
            verdict.over_permitted,
        ),
        // How long a request is on its way depends on the machine.
        size.pick(
            Criterion::none(
                "storm: over a window when they arrived",
                verdict.over_arrived,
            ),
            Criterion::told(
                "storm: over a window when they arrived",
                verdict.over_arrived,
            ),
        ),
        Criterion::none("storm: over a concurrency", verdict.over_concurrency),
        Criterion::told(
            "storm: on their way when a gate closed",
            verdict.on_their_way,
        ),
        Criterion::none("storm: dead", crew.jobs_in(JobState::Dead).await?),
    ])
}

fn root() -> LaneName {
    LaneName::new(["storm"])
}

/// All lanes, the root first.
fn lanes() -> Vec<Limited> {
    let teams = (0..TEAMS).map(team);
    let channels = (0..TEAMS * CHANNELS).map(channel);
    [tenant()]
        .into_iter()
        .chain(teams)
        .chain(channels)
        .collect()
}

fn errand(number: u32, upstream: &Upstream) -> Errand {
    let place = number % (TEAMS * CHANNELS);
    Errand {
        number,
        lanes: vec![channel(place), team(place % TEAMS), tenant()],
        upstream: upstream.path(),
    }
}

fn tenant() -> Limited {
    limited(&root(), TENANT_LIMITS)
}

fn team(number: u32) -> Limited {
    limited(&LaneName::new(["storm", &number.to_string()]), TEAM_LIMITS)
}

fn channel(number: u32) -> Limited {
    let team = (number % TEAMS).to_string();
    let lane = LaneName::new(["storm", &team, &number.to_string()]);
    limited(&lane, CHANNEL_LIMITS)
}

fn limited(lane: &LaneName, limits: &str) -> Limited {
    Limited {
        lane: lane.as_str().to_owned(),
        limits: limits.parse().expect("the limits above are limits"),
    }
}
