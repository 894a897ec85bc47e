//! The address of a Redis, which may name several hosts and carry a password.

use std::fmt;

use url::Url;

use crate::{PrivateUrl, redact};

/// What an address begins with, and whether it leads to several servers.
const SCHEMES: [(&str, bool); 8] = [
    ("redis", false),
    ("rediss", false),
    ("redis+unix", false),
    ("unix", false),
    ("redis+sentinel", true),
    ("rediss+sentinel", true),
    ("redis+cluster", true),
    ("rediss+cluster", true),
];

/// An address with a host, and the hosts that stand behind it with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrl {
    first: PrivateUrl,
    others: String,
}

impl RedisUrl {
    /// Reads `text`, or says why it leads nowhere and what to write.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let url = split(text).and_then(|(first, others)| {
            let url = Url::parse(&first).ok()?;
            let first = PrivateUrl::new(url);
            Some(Self { first, others })
        });
        let known = |url: &Self| SCHEMES.iter().find(|(scheme, _)| *scheme == url.scheme());
        let Some((url, (scheme, many))) = url.and_then(|url| known(&url).map(|it| (url, it)))
        else {
            return Err(
                "does not lead to a Redis; write `embedded` or an address that begins with `redis://`, `rediss://`, `redis+unix://`, `redis+sentinel://` or `redis+cluster://`",
            );
        };
        let inner = url.first.reveal();
        if !many && !url.others.is_empty() {
            return Err(
                "names several hosts; write `redis+sentinel://` or `redis+cluster://` in front of them, or name one",
            );
        }
        if scheme.ends_with("sentinel") && inner.path().trim_matches('/').is_empty() {
            return Err(
                "names no service; append `/NAME`, the name behind `sentinel monitor` in sentinel.conf",
            );
        }
        Ok(url)
    }

    /// The scheme, for example `rediss`.
    pub fn scheme(&self) -> &str {
        self.first.scheme()
    }

    /// Whether it leads to servers of which one may take another's place.
    pub fn may_fail_over(&self) -> bool {
        self.scheme().ends_with("+sentinel") || self.is_cluster()
    }

    /// Whether it leads to a cluster.
    pub fn is_cluster(&self) -> bool {
        self.scheme().ends_with("+cluster")
    }

    /// Whether the connection is encrypted.
    pub fn has_tls(&self) -> bool {
        self.scheme().starts_with("rediss")
    }

    /// Whether a password is part of the address.
    pub fn has_password(&self) -> bool {
        self.first.has_password()
    }

    /// The whole address with `change` made to it, password included, for the client that connects.
    pub fn reveal(&self, change: impl FnOnce(&mut Url)) -> String {
        let mut url = self.first.reveal().clone();
        change(&mut url);
        joined(&url, url.as_str(), &self.others)
    }
}

/// Without a host there is nothing to part; a user's name holds no comma that is not encoded.
fn split(text: &str) -> Option<(String, String)> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.split_once(',') {
        Some((_, others)) if others.split(',').any(str::is_empty) => None,
        Some((first, others)) => Some((format!("{scheme}://{first}{path}"), others.to_owned())),
        None => Some((text.to_owned(), String::new())),
    }
}

fn joined(url: &Url, text: &str, others: &str) -> String {
    if others.is_empty() {
        return text.to_owned();
    }
    let path = url.path();
    let query = url
        .query()
        .map_or(String::new(), |query| format!("?{query}"));
    let tail = format!("{path}{query}");
    let head = text.strip_suffix(&tail).unwrap_or(text);
    format!("{head},{others}{tail}")
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = redact::without_password(self.first.reveal().clone());
        f.write_str(&joined(self.first.reveal(), &shown, &self.others))
    }
}

#[cfg(test)]
mod tests {
    use super::RedisUrl;

    #[test]
    fn several_hosts_are_kept_through_a_change_of_the_address() {
        let url = RedisUrl::read("redis+sentinel://me@one:1,two:2/signals/3").unwrap();
        assert!(url.may_fail_over() && !url.has_tls());
        let whole = url.reveal(|url| {
            url.set_password(Some("a b")).unwrap();
            url.query_pairs_mut().append_pair("ca-file", "/x");
        });
        assert_eq!(
            whole,
            "redis+sentinel://me:a%20b@one:1,two:2/signals/3?ca-file=%2Fx"
        );
        let cluster = RedisUrl::read("rediss+cluster://me:pw@one,two").unwrap();
        assert_eq!(cluster.to_string(), "rediss+cluster://me:redacted@one,two");
        assert_eq!(cluster.reveal(|_| ()), "rediss+cluster://me:pw@one,two");
    }

    #[test]
    fn an_address_that_leads_nowhere_says_what_to_write() {
        let cases = [
            ("http://one", "write `embedded`"),
            ("redis+cluster://one,,two", "write `embedded`"),
            ("redis://one,two", "names several hosts"),
            ("redis+sentinel://one,two", "append `/NAME`"),
        ];
        for (text, expected) in cases {
            let complaint = RedisUrl::read(text).unwrap_err();
            assert!(complaint.contains(expected), "{text}: {complaint}");
        }
    }
}
