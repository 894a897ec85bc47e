//! The scripts, each loaded once. Redis forgets them on a restart; calling one then loads it again.
//!
//! The first line of a script says whether it runs when Redis is over its `maxmemory` (Redis manual, "Script flags").
//! Such a line also binds a script to one hash slot, in which all keys of a partition are.

use std::sync::LazyLock;

use redis::Script;

/// A full Redis runs a script all the same, because what it does makes room sooner or later.
macro_rules! script {
    ($name:ident, $file:literal) => {
        script!($name, IN_FULL, [$file], "");
    };
    ($name:ident, $flags:ident, [$($file:literal),+], $end:literal) => {
        #[doc = concat!("See" $(, " `lua/", $file, "`")+, ".")]
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(&[
                $flags,
                include_str!("../lua/prelude.lua"),
                $(include_str!(concat!("../lua/", $file)),)+
                $end,
            ].concat())
        });
    };
}

const IN_FULL: &str = "#!lua flags=allow-oom\n";
const NOT_IN_FULL: &str = "#!lua\n";

script!(APPEND_TRAIL, "append_trail.lua");
script!(
    ARCHIVE_HELD,
    IN_FULL,
    ["weights.lua", "archive_held.lua"],
    ""
);
script!(BASELINE_EFFECTS, "baseline_effects.lua");
script!(CHANGE_LANE, "change_lane.lua");
script!(CLAIM_JOBS, IN_FULL, ["gates.lua", "claim_jobs.lua"], "");
script!(CONFIRM_EFFECT, "confirm_effect.lua");
script!(EFFECT_STATES, "effect_states.lua");
script!(
    ENQUEUE_AND_FETCH,
    IN_FULL,
    ["enqueue_jobs.lua", "gates.lua", "fetch_jobs.lua"],
    "return finish({ enqueued, fetched })"
);
script!(
    ENQUEUE_JOBS,
    IN_FULL,
    ["enqueue_jobs.lua"],
    "return finish(enqueued)"
);
script!(
    FETCH_JOBS,
    IN_FULL,
    ["gates.lua", "fetch_jobs.lua"],
    "return finish(fetched)"
);
script!(GIVE_PERMITS, "give_permits.lua");
script!(INTEND_EFFECT, "intend_effect.lua");
script!(KEEP_SAMPLE, NOT_IN_FULL, ["keep_sample.lua"], "");
script!(LIST_JOBS, "list_jobs.lua");
script!(OLDEST_READY, "oldest_ready.lua");
script!(OPERATE_JOBS, "operate_jobs.lua");
script!(RECENT_MINUTES, "recent_minutes.lua");
script!(RELEASE_GROUP, "release_group.lua");
script!(RENEW_LEASES, "renew_leases.lua");
script!(
    SETTLE_AND_FETCH,
    IN_FULL,
    ["settle_jobs.lua", "gates.lua", "fetch_jobs.lua"],
    "return finish({ settled, fetched })"
);
script!(
    SETTLE_JOBS,
    IN_FULL,
    ["settle_jobs.lua"],
    "return finish(settled)"
);
script!(SHOW_JOB, "show_job.lua");
script!(SIGN_WORKER, "sign_worker.lua");
script!(SWAP_RECORD, "swap_record.lua");
script!(
    TAKE_IN_AND_FETCH,
    NOT_IN_FULL,
    ["enqueue_jobs.lua", "gates.lua", "fetch_jobs.lua"],
    "return finish({ enqueued, fetched })"
);
script!(
    TAKE_IN_JOBS,
    NOT_IN_FULL,
    ["enqueue_jobs.lua"],
    "return finish(enqueued)"
);
script!(TAKE_PERMIT, "take_permit.lua");
script!(
    TRIM_PARTITION,
    IN_FULL,
    ["weights.lua", "trim_partition.lua"],
    ""
);
script!(TRIM_TRAIL, "trim_trail.lua");
script!(WITHDRAW_EFFECT, "withdraw_effect.lua");

/// What runs before there is an installation has no prelude. A role starts in a full Redis too.
macro_rules! bare_script {
    ($name:ident, $file:literal) => {
        #[doc = concat!("See `lua/", $file, "`.")]
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                "#!lua flags=allow-oom\n",
                include_str!(concat!("../lua/", $file))
            ))
        });
    };
}

bare_script!(ENTER_PARTITION, "enter_partition.lua");
bare_script!(FORGET_RECOVERY, "forget_recovery.lua");
bare_script!(INSTALL, "install.lua");
