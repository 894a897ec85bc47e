//! From what was heard at the public address to its most likely cause and the next action.

use std::time::Duration;

use super::{
    PATIENCE,
    silence::{Chain, is_from_unknown_authority, unanswered},
};
use crate::commands::{check::Finding, output};

pub(super) const SUBJECT: &str = "handshake at ingress.public_url";
/// An answer that takes longer may come too late on a busy day.
const SLOW: Duration = Duration::from_secs(2);
/// Followed by what Business Central does then.
const DELETES: &str = "Business Central deletes a subscription for such an answer";

/// What came back.
#[derive(Debug)]
pub(super) enum Heard {
    /// An answer, whoever gave it.
    Answer {
        status: u16,
        location: Option<String>,
        /// Its beginning.
        body: Vec<u8>,
        took: Duration,
    },
    /// None.
    Nothing(reqwest::Error),
}

impl Heard {
    /// Whether the certificate was refused only for who has signed it.
    pub(super) fn is_from_unknown_authority(&self) -> bool {
        matches!(self, Self::Nothing(error) if is_from_unknown_authority(error))
    }
}

/// What `heard` at `url` means. `private` says that only `http.ca_file` vouches for its certificate.
pub(super) fn judge(url: &str, token: &str, heard: &Heard, private: bool) -> Finding {
    match heard {
        Heard::Answer {
            status: 200,
            body,
            took,
            ..
        } if body == token.as_bytes() => echoed(url, *took, private),
        Heard::Answer {
            status,
            location,
            body,
            ..
        } => {
            let (cause, next) = answered(*status, location.as_deref(), body);
            Finding::trouble(SUBJECT, format!("{url} {cause}"), next)
        }
        Heard::Nothing(error) => {
            let (cause, next) = unanswered(error);
            let whole = format!("{url} {cause}: {}", Chain(error));
            Finding::trouble(SUBJECT, output::plain(&whole), next)
        }
    }
}

fn echoed(url: &str, took: Duration, private: bool) -> Finding {
    let ms = took.as_millis();
    if private {
        return Finding::warning(
            SUBJECT,
            format!(
                "{url} gives the token back, but only `http.ca_file` vouches for its certificate"
            ),
            "use a certificate of a public authority: Business Central trusts no other",
        );
    }
    let cause = format!("{url} gives the token back after {ms} ms");
    if took > SLOW {
        let cause = format!(
            "{cause}; Business Central gives up after {} s",
            PATIENCE.as_secs()
        );
        let next =
            "see what slows the way down: a proxy that starts its backends on demand, mostly";
        return Finding::warning(SUBJECT, cause, next);
    }
    Finding::ok(SUBJECT, cause)
}

fn answered(status: u16, location: Option<&str>, body: &[u8]) -> (String, String) {
    let to = output::plain(location.unwrap_or("an address that it does not name"));
    let (cause, next) = match status {
        200..=299 if body.is_empty() => (
            "with nothing: the query was lost on the way".to_owned(),
            "let the proxy pass the whole address on, with what follows the `?`".to_owned(),
        ),
        200..=299 => (
            "with something else than the token: another service or a page of the proxy answers in place of the ingress"
                .to_owned(),
            "let the proxy pass `/hooks/` on to `ingress.bind`, with the query and without cached answers".to_owned(),
        ),
        300..=399 => (
            format!("with a redirect to {to}"),
            "let the proxy pass `/hooks/` on without a redirect, or write the address that it leads to into \
             `ingress.public_url`"
                .to_owned(),
        ),
        401 | 403 | 407 => (
            format!("as to somebody who has to sign in or is not let in, which is a proxy's answer; {DELETES}"),
            "exempt `/hooks/` from sign-in, client certificates and web firewall rules: what comes there is proved by its \
             clientState"
                .to_owned(),
        ),
        404 | 410 => (
            format!("as if nothing were there: the proxy passes `/hooks/` on to something else, or changes the path; {DELETES}"),
            "let the proxy pass `/hooks/` on to `ingress.bind` with its path as it is, and correct `ingress.public_url` if it \
             names another host"
                .to_owned(),
        ),
        429 => (
            "that there are too many requests: a limit of the proxy".to_owned(),
            "exempt `/hooks/` from rate limits: a busy day sends thousands of notifications".to_owned(),
        ),
        400..=499 => (
            format!("that it does not like the request, which the ingress never says; {DELETES}"),
            "let the proxy pass POST requests with an empty body, and bodies up to 32 MiB, on to `ingress.bind`".to_owned(),
        ),
        502..=504 => (
            "that it cannot reach the ingress behind it".to_owned(),
            "start `signalbox ingress`, and see that the proxy leads to its `ingress.bind`, with http or https as that is set"
                .to_owned(),
        ),
        _ => (
            "that something is wrong with itself, before the ingress was asked".to_owned(),
            "look into the log of the proxy".to_owned(),
        ),
    };
    (format!("answers {status} {cause}"), next)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Heard, judge};
    use crate::commands::check::finding::Verdict;

    fn heard(status: u16, body: &str, took_ms: u64) -> Heard {
        Heard::Answer {
            status,
            location: Some("https://login.example.com".to_owned()),
            body: body.into(),
            took: Duration::from_millis(took_ms),
        }
    }

    fn check(heard: &Heard, private: bool, verdict: Verdict, words: &str) {
        let finding = judge("https://me", "token", heard, private);
        assert_eq!(finding.verdict, verdict, "{heard:?}");
        let whole = format!("{} -> {}", finding.cause, finding.next_action);
        assert!(whole.contains(words), "{whole}");
    }

    #[test]
    fn only_the_token_and_soon_is_a_good_answer() {
        check(&heard(200, "token", 3), false, Verdict::Ok, "after 3 ms");
        check(
            &heard(200, "token", 3_000),
            false,
            Verdict::Warning,
            "gives up after 5 s",
        );
        check(
            &heard(200, "token", 3),
            true,
            Verdict::Warning,
            "public authority",
        );
        check(
            &heard(200, "\"token\"", 3),
            false,
            Verdict::Trouble,
            "another service",
        );
        check(
            &heard(200, "", 3),
            false,
            Verdict::Trouble,
            "the query was lost",
        );
        check(
            &heard(201, "token", 3),
            false,
            Verdict::Trouble,
            "another service",
        );
    }

    #[test]
    fn every_kind_of_answer_has_its_cause_and_next_action() {
        for (status, words) in [
            (302, "redirect to https://login.example.com"),
            (401, "exempt `/hooks/` from sign-in"),
            (404, "changes the path"),
            (413, "bodies up to 32 MiB"),
            (429, "rate limits"),
            (500, "the log of the proxy"),
            (502, "start `signalbox ingress`"),
        ] {
            check(&heard(status, "page", 3), false, Verdict::Trouble, words);
        }
    }
}
