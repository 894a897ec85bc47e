//! The scripts, each loaded once. Redis forgets them on a restart; calling one then loads it again.

use std::sync::LazyLock;

use redis::Script;

macro_rules! script {
    ($name:ident, $file:literal) => {
        #[doc = concat!("See `lua/", $file, "`.")]
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                include_str!("../lua/prelude.lua"),
                include_str!(concat!("../lua/", $file))
            ))
        });
    };
}

script!(APPEND_TRAIL, "append_trail.lua");
script!(BASELINE_EFFECTS, "baseline_effects.lua");
script!(CHANGE_LANE, "change_lane.lua");
script!(CONFIRM_EFFECT, "confirm_effect.lua");
script!(EFFECT_STATES, "effect_states.lua");
script!(ENQUEUE_JOBS, "enqueue_jobs.lua");
script!(FETCH_JOBS, "fetch_jobs.lua");
script!(GIVE_PERMIT, "give_permit.lua");
script!(INTEND_EFFECT, "intend_effect.lua");
script!(KEEP_SAMPLE, "keep_sample.lua");
script!(LIST_JOBS, "list_jobs.lua");
script!(OLDEST_READY, "oldest_ready.lua");
script!(OPERATE_JOBS, "operate_jobs.lua");
script!(RELEASE_GROUP, "release_group.lua");
script!(RENEW_LEASES, "renew_leases.lua");
script!(SETTLE_JOBS, "settle_jobs.lua");
script!(SHOW_JOB, "show_job.lua");
script!(SWAP_RECORD, "swap_record.lua");
script!(TAKE_PERMIT, "take_permit.lua");
script!(TRIM_PARTITION, "trim_partition.lua");
script!(TRIM_TRAIL, "trim_trail.lua");
script!(WITHDRAW_EFFECT, "withdraw_effect.lua");

/// See `lua/install.lua`. It runs before there is an installation, so it has no prelude.
pub(crate) static INSTALL: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../lua/install.lua")));
