//! What can be done to the queue, in a form that shrinks: small numbers, read against what the model holds.

use proptest::{collection::vec, option, prelude::*, sample::Index};

/// Jobs, lanes and groups are few, so that steps meet each other.
pub(super) const JOBS: usize = 8;
/// The first is the root of the others.
pub(super) const LANES: [&str; 4] = ["tenant", "a", "b", "c"];
pub(super) const BATCHES: [&str; 2] = ["rows/r", "rows/s"];
pub(super) const GROUPS: [&str; 2] = ["route/r", "route/s"];

/// One step. Instants are milliseconds from now.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Enqueue(Vec<News>),
    /// One job, and a fetch in the same script.
    EnqueueAndFetch(News, usize),
    Fetch(usize),
    FetchAlone,
    /// Waiting jobs of a batch join an attempt.
    Claim {
        by: Pick,
        batch: usize,
        most: usize,
    },
    Settle(Pick, End),
    Renew(Pick),
    Pass(i64),
    Cancel(usize),
    Hold {
        job: usize,
        group: usize,
    },
    Release(usize),
    Revive(usize),
    EndHold {
        group: usize,
        seen: bool,
    },
    Lane(usize, Change),
    Permit {
        by: Pick,
        weight: u64,
    },
    GiveBack(Index),
    /// What is there now is what will be left after the next loss.
    Checkpoint,
    /// Redis forgets what was written since the checkpoint, as a failover may.
    LoseWrites,
}

/// One job of a batch.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) job: usize,
    /// The instant of the change for `keep_last`; nothing for `ignore`.
    pub(super) changed: Option<i64>,
    pub(super) due: Option<i64>,
    pub(super) group: Option<usize>,
    pub(super) batch: Option<usize>,
}

/// Which lease: one that is current as far as the model knows, or any that ever was.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub(super) late: bool,
    pub(super) index: Index,
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Complete,
    Again(i64),
    Retry(i64),
    Defer(i64),
    Snooze(i64),
    Release,
    Dead,
    Hold(usize),
}

/// A change of a lane.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Close(i64),
    Open,
    Pause,
    Resume,
    Break { probe: i64, every: i64 },
    Mend,
}

/// Sequences of steps, long enough for a job to live several times.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 40..160)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => vec(news(), 1..4).prop_map(Step::Enqueue),
        20 => (1usize..5).prop_map(Step::Fetch),
        10 => (news(), 1usize..5).prop_map(|(news, most)| Step::EnqueueAndFetch(news, most)),
        6 => Just(Step::FetchAlone),
        14 => (pick(), 0..BATCHES.len(), 1usize..4)
            .prop_map(|(by, batch, most)| Step::Claim { by, batch, most }),
        18 => (pick(), end()).prop_map(|(pick, end)| Step::Settle(pick, end)),
        4 => pick().prop_map(Step::Renew),
        18 => time().prop_map(Step::Pass),
        10 => by_hand(),
        8 => (0..LANES.len(), change()).prop_map(|(lane, change)| Step::Lane(lane, change)),
        7 => (pick(), 1u64..4).prop_map(|(by, weight)| Step::Permit { by, weight }),
        2 => any::<Index>().prop_map(Step::GiveBack),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::LoseWrites),
    ]
}

fn by_hand() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0..JOBS).prop_map(Step::Cancel),
        2 => (0..JOBS, 0..GROUPS.len()).prop_map(|(job, group)| Step::Hold { job, group }),
        3 => (0..JOBS).prop_map(Step::Release),
        5 => (0..JOBS).prop_map(Step::Revive),
        2 => (0..GROUPS.len(), prop::bool::weighted(0.2))
            .prop_map(|(group, seen)| Step::EndHold { group, seen }),
    ]
}

fn news() -> impl Strategy<Value = News> {
    let due = option::weighted(0.3, prop_oneof![-1000i64..0, 0i64..30_000]);
    let group = option::weighted(0.1, 0..GROUPS.len());
    let batch = option::weighted(0.7, 0..BATCHES.len());
    let changed = option::weighted(0.8, 0i64..5);
    (0..JOBS, changed, due, group, batch).prop_map(|(job, changed, due, group, batch)| News {
        job,
        changed,
        due,
        group,
        batch,
    })
}

fn pick() -> impl Strategy<Value = Pick> {
    let late = prop::bool::weighted(0.25);
    (late, any::<Index>()).prop_map(|(late, index)| Pick { late, index })
}

fn end() -> impl Strategy<Value = End> {
    let later = || 0i64..20_000;
    prop_oneof![
        4 => Just(End::Complete),
        1 => later().prop_map(End::Again),
        1 => later().prop_map(End::Retry),
        1 => later().prop_map(End::Defer),
        2 => later().prop_map(End::Snooze),
        3 => Just(End::Release),
        3 => Just(End::Dead),
        1 => (0..GROUPS.len()).prop_map(End::Hold),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => (0i64..20_000).prop_map(Change::Close),
        2 => Just(Change::Open),
        1 => Just(Change::Pause),
        2 => Just(Change::Resume),
        2 => (0i64..20_000, 1000i64..10_000)
            .prop_map(|(probe, every)| Change::Break { probe, every }),
        2 => Just(Change::Mend),
    ]
}

/// Mostly less than a lease, so that leases are renewed as well as lost.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0i64..1500, 5 => 1500i64..9000, 1 => 9000i64..30_000]
}
