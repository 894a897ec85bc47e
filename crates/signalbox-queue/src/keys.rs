//! Every key of the queue, one function each. All keys of a partition share one hash slot.

/// Families of keys, by what stands before the first colon, each with its Redis type.
///
/// The table in `docs/job-lifecycle.md` says what they are for and what ends them; tests compare it with this list, with
/// the scripts, and with what is in Redis after them.
pub const KEY_FAMILIES: [(&str, &str); 40] = [
    ("installation", "hash"),
    ("meta", "hash"),
    ("waited", "string"),
    ("counts", "hash"),
    ("job", "string"),
    ("ready", "list"),
    ("again", "zset"),
    ("batch", "zset"),
    ("suspects", "zset"),
    ("lanes", "zset"),
    ("ages", "hash"),
    ("oldest", "zset"),
    ("scheduled", "zset"),
    ("leases", "zset"),
    ("running", "hash"),
    ("held", "zset"),
    ("groups", "hash"),
    ("archive", "zset"),
    ("archived", "hash"),
    ("dead", "zset"),
    ("finished", "zset"),
    ("bytes", "hash"),
    ("minute", "hash"),
    ("minutes", "zset"),
    ("lane", "hash"),
    ("gates", "zset"),
    ("waiting", "zset"),
    ("window", "hash"),
    ("windows", "zset"),
    ("permits", "set"),
    ("wake", "list"),
    ("workers", "hash"),
    ("ledger", "hash"),
    ("register", "hash"),
    ("steps", "list"),
    ("told", "zset"),
    ("trail", "zset"),
    ("trail_bytes", "string"),
    ("samples", "list"),
    ("refused", "hash"),
];

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

/// What workers say of themselves, beside partition 0.
pub(crate) fn workers(prefix: &str) -> String {
    format!("{prefix}workers")
}

/// The jobs held as `group`.
pub(crate) fn held(prefix: &str, group: &str) -> String {
    format!("{prefix}held:{group}")
}

/// The newest of what was archived of `group`.
pub(crate) fn archive(prefix: &str, group: &str) -> String {
    format!("{prefix}archive:{group}")
}

/// How many jobs of each group were archived, and when they were enqueued.
pub(crate) fn archived(prefix: &str) -> String {
    format!("{prefix}archived")
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
