//! Clocks: ours against that of Redis, which every due time is judged by, and against Microsoft's.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::header;
use signalbox_config::{Config, Connection};

use super::Finding;
use crate::assembly::{self, Store};

/// Clocks that are further apart than this are told of.
const TOLERATED: SignedDuration = SignedDuration::from_secs(30);
/// Further apart than this, signatures and tokens are refused.
const UNUSABLE: SignedDuration = SignedDuration::from_mins(5);
/// How long Microsoft's clock may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Another clock, and what ours showed before it was asked and after it had answered.
#[derive(Debug)]
struct Look {
    before: Timestamp,
    other: Timestamp,
    after: Timestamp,
}

/// Ours against that of Redis.
pub(super) async fn redis(store: &Store) -> Option<Finding> {
    let clock = assembly::clock();
    let before = clock.now();
    // A Redis that does not answer is told of elsewhere.
    let other = store.queue.server_time().await.ok()?;
    let look = Look {
        before,
        other,
        after: clock.now(),
    };
    let next = "synchronise both machines with NTP; `check --online` says which of them is wrong";
    Some(judged("clock of redis", &look, next))
}

/// Ours against that of every sign-in service that is configured.
pub(super) async fn microsoft(config: &Config) -> Vec<Finding> {
    let credentials = config.connections.values().map(Connection::credential);
    let authorities: BTreeSet<&str> = credentials.map(|one| one.authority.as_str()).collect();
    let mut findings = Vec::new();
    for authority in authorities {
        let subject = format!("clock of {authority}");
        findings.push(match look(config, authority).await {
            Ok(look) => judged(&subject, &look, "synchronise this machine with NTP"),
            Err(error) => Finding::warning(
                subject,
                format!("not compared: {error:#}"),
                "see the findings about the connections",
            ),
        });
    }
    findings
}

async fn look(config: &Config, authority: &str) -> anyhow::Result<Look> {
    let clock = assembly::clock();
    let client = signalbox_jobs::sender_options(&config.http, TIMEOUT)?.client()?;
    let url = format!("{authority}/common/v2.0/.well-known/openid-configuration");
    let before = clock.now();
    let asked = client.get(url).timeout(TIMEOUT).send().await;
    let answer = asked.map_err(reqwest::Error::without_url)?;
    let after = clock.now();
    let date = answer.headers().get(header::DATE);
    let date = date.and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| rfc2822::parse(date).ok());
    let other = date.context("its answer has no date")?.timestamp();
    Ok(Look {
        before,
        other,
        after,
    })
}

fn judged(subject: &str, look: &Look, next: &str) -> Finding {
    let ahead = ahead(look);
    if ahead.abs() <= TOLERATED {
        return Finding::ok(subject, "it shows what this machine's clock shows");
    }
    let way = if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let seconds = ahead.abs().as_secs();
    let cause = format!("it is {seconds} s {way} this machine's");
    if ahead.abs() > UNUSABLE {
        Finding::trouble(subject, cause, next)
    } else {
        Finding::warning(subject, cause, next)
    }
}

/// How far the other clock is ahead at least. It may show whole seconds only, and answers take their time.
fn ahead(look: &Look) -> SignedDuration {
    let second = SignedDuration::from_secs(1);
    let (early, late) = (look.before - second, look.after);
    if look.other < early {
        look.other.duration_since(early)
    } else if look.other > late {
        look.other.duration_since(late)
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Look, judged};
    use crate::commands::check::finding::Verdict;

    /// Asked at second 1000, answered at second `after`.
    fn check(other: i64, after: i64, verdict: Verdict, cause: &str) {
        let at = |second| Timestamp::from_second(second).unwrap();
        let look = Look {
            before: at(1000),
            other: at(other),
            after: at(after),
        };
        let finding = judged("clock", &look, "synchronise");
        assert_eq!((finding.verdict, &*finding.cause), (verdict, cause));
        assert_eq!(finding.next_action.is_empty(), verdict == Verdict::Ok);
    }

    #[test]
    fn clocks_that_are_apart_are_told_and_slow_answers_are_not() {
        let well = "it shows what this machine's clock shows";
        check(1000, 1000, Verdict::Ok, well);
        check(1060, 1060, Verdict::Ok, well);
        check(1000, 1060, Verdict::Ok, well);
        check(970, 1000, Verdict::Ok, well);
        let behind = "it is 39 s behind this machine's";
        check(960, 1000, Verdict::Warning, behind);
        let ahead = "it is 31 s ahead of this machine's";
        check(1031, 1000, Verdict::Warning, ahead);
        let far = "it is 400 s ahead of this machine's";
        check(1400, 1000, Verdict::Trouble, far);
    }
}
