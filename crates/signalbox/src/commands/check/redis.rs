//! Redis: whether it answers, what it keeps of what it acknowledges, and how full it is.

use signalbox_config::Config;
use signalbox_queue::{DurabilityFinding, Memory, QueueError};

use super::Finding;
use crate::assembly::{self, Store, is_old};

const MIB: u64 = 1024 * 1024;
/// Settings that have a finding of their own beside that of the level.
const APART: [&str; 2] = ["maxmemory", "maxmemory-policy"];

/// One finding each for the server, its level, its eviction policy and its memory.
pub(super) async fn findings(config: &Config, store: &Store) -> Vec<Finding> {
    let mut findings = vec![version(config, store).await];
    let level = assembly::durability(config);
    match store.queue.durability_findings(level).await {
        Ok(amiss) => findings.extend(settings(config, &amiss)),
        Err(error) => findings.push(untold(config, error)),
    }
    if let Err(error) = store.queue.keep(level).await {
        let next = "correct `redis.durability`, or the servers";
        findings.push(Finding::of_error("redis durability", &error.into(), next));
    }
    findings.extend(match store.queue.memory().await {
        Ok(memory) => memory_of(memory),
        Err(error) => Some(unanswered("redis memory", error)),
    });
    findings
}

async fn version(config: &Config, store: &Store) -> Finding {
    match store.queue.server_version().await {
        Ok(version) if is_old(&version) && !config.redis.vouched => Finding::trouble(
            "redis",
            format!("it is version {version}"),
            "install Redis 7.0 or later, or set `redis.vouched = true` if it can do what that can",
        ),
        Ok(version) => Finding::ok("redis", format!("version {version} answers")),
        Err(error) => unanswered("redis", error),
    }
}

/// What the settings fall short of, and what they keep.
fn settings(config: &Config, amiss: &[DurabilityFinding]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in amiss {
        let text = one.to_string();
        let (cause, next) = text.split_once("; ").unwrap_or((&text, "correct it"));
        let subject = format!("redis {}", one.setting);
        findings.push(if config.redis.vouched {
            let cause = format!("{cause}; it is used, because `redis.vouched` is true");
            Finding::warning(subject, cause, next)
        } else {
            Finding::trouble(subject, cause, next)
        });
    }
    if amiss.iter().all(|one| APART.contains(&one.setting)) {
        let level = config.redis.durability;
        findings.push(Finding::ok(
            "redis durability",
            format!("its settings keep `{level}`"),
        ));
    }
    if amiss.iter().all(|one| one.setting != "maxmemory-policy") {
        let cause = "`noeviction`: no job is deleted when memory is short";
        findings.push(Finding::ok("redis maxmemory-policy", cause));
    }
    findings
}

/// A managed server may not show its settings.
fn untold(config: &Config, error: QueueError) -> Finding {
    let subject = "redis durability";
    if config.redis.vouched {
        let cause = "it does not show its settings; you vouched for them with `redis.vouched`";
        return Finding::ok(subject, cause);
    }
    Finding::trouble(
        subject,
        format!(
            "it does not show its settings: {:#}",
            anyhow::Error::from(error)
        ),
        "check by other means that it keeps `redis.durability`, `noeviction` and a `maxmemory`, then set \
         `redis.vouched = true`",
    )
}

/// Nothing without a limit: that is told with the settings.
fn memory_of(memory: Memory) -> Option<Finding> {
    let subject = "redis memory";
    let Memory { used, most } = memory;
    let share = used.saturating_mul(100).checked_div(most)?;
    let amount = format!("{} of {} MiB are used, {share} %", used / MIB, most / MIB);
    let next = "see with `signalbox status` what waits and why, lower what `[ledger]` and `[trail]` keep, or give Redis \
                more memory";
    Some(if memory.is_short() {
        let cause = format!("{amount}: signals are answered 503 until jobs have ended");
        Finding::trouble(subject, cause, next)
    } else if share > 60 {
        let cause = format!("{amount}: above 80 % signals are answered 503");
        Finding::warning(subject, cause, next)
    } else {
        Finding::ok(subject, amount)
    })
}

fn unanswered(subject: &str, error: QueueError) -> Finding {
    Finding::of_error(subject, &error.into(), "see whether the server runs")
}

#[cfg(test)]
mod tests {
    use signalbox_queue::Memory;

    use super::{MIB, memory_of};
    use crate::commands::check::finding::Verdict;

    fn check(used: u64, most: u64, verdict: Option<Verdict>) {
        let memory = Memory {
            used: used * MIB,
            most: most * MIB,
        };
        let found = memory_of(memory).map(|finding| finding.verdict);
        assert_eq!(found, verdict, "{used} of {most}");
    }

    #[test]
    fn memory_near_its_limit_is_told_before_signals_are_refused() {
        check(50, 100, Some(Verdict::Ok));
        check(61, 100, Some(Verdict::Warning));
        check(81, 100, Some(Verdict::Trouble));
        check(81, 0, None);
    }
}
