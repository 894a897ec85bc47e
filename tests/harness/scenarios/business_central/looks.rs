//! Waiting for the product's own looks at whole entity sets, as the cloud sees them.

use std::collections::HashSet;

use anyhow::Result;
use signalbox_queue::JobState;
use signalbox_sim::{RecordedRequest, SimHandle, Target};
use uuid::Uuid;

use super::house::House;
use crate::fleet::Fleet;

/// Returns when so many sets of companies have a subscription.
pub(super) async fn subscribed(fleet: &Fleet, sets: usize) -> Result<()> {
    fleet
        .until("every set has its subscription", async || {
            fleet.sim.subscriptions().len() >= sets
        })
        .await
}

/// Returns when every set of every company was looked at by a request that came after now and was answered.
pub(super) async fn at_every_set(fleet: &Fleet, house: &House) -> Result<()> {
    let since = last(&fleet.sim);
    let kinds = house.kinds.iter().map(|kind| kind.set);
    let all = kinds.flat_map(|set| house.ids().into_iter().map(move |id| (id, set.to_owned())));
    let all: HashSet<(Uuid, String)> = all.collect();
    fleet
        .until(
            "every set of every company was looked at again",
            async || {
                let seen = looked_at(&fleet.sim, since);
                all.iter().all(|set| seen.contains(set))
            },
        )
        .await
}

/// Returns when no record waits to be read and no card to be posted.
pub(super) async fn nothing_waits(fleet: &Fleet) -> Result<()> {
    let queue = fleet.queue().await?;
    fleet
        .until("no read and no post waits", async || {
            let depth = queue.depth().await.unwrap_or_default();
            let open = |name: &str, state| {
                let live = [JobState::Ready, JobState::Running, JobState::Scheduled];
                ["read", "post"].iter().any(|queue| name.starts_with(queue))
                    && live.contains(&state)
            };
            let open = depth.iter().filter(|((name, state), _)| open(name, *state));
            !depth.is_empty() && open.map(|(_, count)| count).sum::<i64>() == 0
        })
        .await
}

/// The number of the last request.
fn last(sim: &SimHandle) -> u64 {
    sim.requests().last().map_or(0, |request| request.seq)
}

/// The sets that were listed since the request of this number.
fn looked_at(sim: &SimHandle, since: u64) -> HashSet<(Uuid, String)> {
    let requests = sim.requests().into_iter();
    let new = requests.filter(|request| request.seq > since && request.status == Some(200));
    new.filter_map(|request| listed(&request)).collect()
}

/// The company and the set of which the request asked for a list.
pub(super) fn listed(request: &RecordedRequest) -> Option<(Uuid, String)> {
    let (_, rest) = request.path.split_once("/companies(")?;
    let (company, set) = rest.split_once(")/")?;
    // A list of some records by their ids is no look at the set.
    let some = ["id%20eq", "id+eq"]
        .iter()
        .any(|ids| request.query.contains(ids));
    let whole = request.target == Target::BcRead && !set.contains(['(', '/']) && !some;
    Some((company.parse().ok()?, set.to_owned())).filter(|_| whole)
}
