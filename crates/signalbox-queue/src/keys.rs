//! Every key of the queue, one function each. All keys of a partition share one hash slot.
//!
//! | key | type | ended by | what |
//! |---|---|---|---|
//! | `meta` | hash | never | epoch (installation), seq, last sign of a worker, last grace, marks of the janitor |
//! | `waited` | string | never | a mark that is written to be waited for, with `replicated` |
//! | `counts` | hash | never | jobs by `queue\|state` |
//! | `job:{ref}` | packed text | settle, janitor | one job |
//! | `ready:{queue}:{lane}` | list of seq and ref | when empty | new jobs of a lane, in the order of their enqueue |
//! | `again:{queue}:{lane}` | zset by seq | when empty | ready jobs of a lane that came back |
//! | `suspects:{queue}` | zset by seq | fetch | ready jobs that run alone, because their workers died |
//! | `lanes:{queue}` | zset by turn | when empty | lanes with ready jobs, next to be served first |
//! | `ages` | hash | when empty | ready jobs by queue and second of their enqueue |
//! | `oldest:{queue}` | zset by second | when empty | the seconds in `ages` |
//! | `scheduled` | zset by due ms | fetch | jobs that wait for an instant |
//! | `leases` | zset by expiry ms | settle, fetch | running jobs |
//! | `running` | hash by ref | settle, fetch | tokens of running jobs, and what they probe |
//! | `held:{group}` | zset by seq | release | jobs that wait for a person or another job |
//! | `groups` | hash | when empty | how many jobs each group holds |
//! | `dead:{queue}` | zset by ms | janitor | dead jobs |
//! | `finished` | zset by ms | janitor | jobs that are done or cancelled |
//! | `minute:{minute}`, `minutes` | hash, zset | janitor | outcomes and durations of one minute |
//! | `lane:{lane}` | hash | never | ancestors, gate, pause, fault and limits of one lane |
//! | `gates` | zset by ms | never | lanes that were shut or limited at some time |
//! | `waiting` | zset by opening ms | fetch, change of a lane | `queue lane` pairs that are shut and have ready jobs |
//! | `window:{lane}:{ms}`, `windows` | hash by slice, zset by end ms | janitor | what was used of a lane's windows |
//! | `permits:{lane}` | set | give, take | requests under way |
//! | `wake:{queue}` | list of at most one | waiter | the waiters' bell |
//! | `ledger` | hash by ref | janitor, by age only | one entry for each effect |
//! | `register:{name}` | hash | its owner | small records: subscriptions, routes |
//! | `steps:{ref}` | list | trim of the trail | the steps of one story: of a document, or of a job until its document is known |
//! | `told:{ref}` | zset by ms | trim of the trail | the stories that go by one name |
//! | `trail` | zset by ms | trim of the trail | all `steps:` and `told:` keys, by the last step that concerned them |
//! | `trail_bytes` | number | trim of the trail | what they take together |
//! | `samples:{what}`, `refused` | list of 100, hash | trimmed on write | what was refused, and how often |

/// The prefix of a partition: `{namespace/number}:`, whose braces make it the hash tag.
pub(crate) fn prefix(namespace: &str, partition: u16) -> String {
    format!("{{{namespace}/{partition}}}:")
}

/// What the installation is: layout, partitions, id. Lives beside partition 0.
pub(crate) fn installation(prefix: &str) -> String {
    format!("{prefix}installation")
}

/// Numbers of the partition as a whole.
pub(crate) fn meta(prefix: &str) -> String {
    format!("{prefix}meta")
}

/// What is written to wait until the replicas have it, and everything before it.
pub(crate) fn waited(prefix: &str) -> String {
    format!("{prefix}waited")
}

/// Jobs by queue and state.
pub(crate) fn counts(prefix: &str) -> String {
    format!("{prefix}counts")
}

/// The bell that wakes a waiter of `queue`.
pub(crate) fn wake(prefix: &str, queue: &str) -> String {
    format!("{prefix}wake:{queue}")
}

/// The jobs held as `group`.
pub(crate) fn held(prefix: &str, group: &str) -> String {
    format!("{prefix}held:{group}")
}

/// The dead jobs of `queue`.
pub(crate) fn dead(prefix: &str, queue: &str) -> String {
    format!("{prefix}dead:{queue}")
}

/// The records of a register.
pub(crate) fn register(prefix: &str, name: &str) -> String {
    format!("{prefix}register:{name}")
}

/// How often something was refused.
pub(crate) fn refused(prefix: &str) -> String {
    format!("{prefix}refused")
}

/// One lane.
pub(crate) fn lane(prefix: &str, lane: &str) -> String {
    format!("{prefix}lane:{lane}")
}

/// How many jobs each group holds.
pub(crate) fn groups(prefix: &str) -> String {
    format!("{prefix}groups")
}

/// Lanes that were shut or limited at some time.
pub(crate) fn gates(prefix: &str) -> String {
    format!("{prefix}gates")
}

/// One entry of the trail: `steps:{ref}` or `told:{ref}`.
pub(crate) fn trail_entry(prefix: &str, entry: &str) -> String {
    format!("{prefix}{entry}")
}

/// All entries of the trail by their last step.
pub(crate) fn trail(prefix: &str) -> String {
    format!("{prefix}trail")
}

/// What the trail takes.
pub(crate) fn trail_bytes(prefix: &str) -> String {
    format!("{prefix}trail_bytes")
}
