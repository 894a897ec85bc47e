//! The address of an outside system: `https`, or `http` where that was asked for.

use std::fmt;

use serde::Deserialize;
use url::{Host, Url};

/// An absolute address without query or fragment.
///
/// Whether one that begins with `http://` may be used depends on another setting, so that is for the whole
/// configuration to say: see [`BaseUrl::plain_host`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(Url);

/// Why a text is not the address of an outside system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an address at all.
    #[error("is not an address; write it in full, for example `https://example.com`")]
    NotAnAddress(#[source] url::ParseError),
    /// Something that no request can be sent to.
    #[error("must begin with `https://`; correct what stands before the host")]
    NotWeb,
    /// Something that cannot be the beginning of other addresses.
    #[error("must end after its path; leave out user, `?…` and `#…`")]
    NotABase,
}

impl BaseUrl {
    /// The address without a slash at its end, to be continued with `/…`.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host, if what is sent there can be read on its way: `http`, and not on this machine.
    pub fn plain_host(&self) -> Option<&str> {
        let plain = self.0.scheme() == "http" && !is_loopback(&self.0);
        plain.then(|| self.0.host_str()).flatten()
    }

    /// The address for a client that wants it parsed.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, BaseUrlError> {
        let url = Url::parse(&text).map_err(BaseUrlError::NotAnAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(BaseUrlError::NotWeb);
        }
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if bare {
            Ok(Self(url))
        } else {
            Err(BaseUrlError::NotABase)
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    fn check(text: &str, expected: Option<&str>) {
        let url = BaseUrl::try_from(text.to_owned()).ok();
        assert_eq!(url.as_ref().map(BaseUrl::as_str), expected, "{text}");
    }

    #[test]
    fn an_address_ends_after_its_path() {
        check("https://example.com/", Some("https://example.com"));
        check("https://example.com/a/b/", Some("https://example.com/a/b"));
        check("ftp://localhost", None);
        check("https://me:pw@example.com", None);
        check("https://example.com?x=1", None);
        check("example.com", None);
    }

    #[test]
    fn what_leaves_this_machine_in_the_clear_is_told() {
        for (text, host) in [
            ("http://127.0.0.1:8090/x", None),
            ("http://[::1]:1", None),
            ("http://localhost:8090", None),
            ("https://example.com", None),
            ("http://Simulator:8090", Some("simulator")),
            (
                "http://localhost.example.com",
                Some("localhost.example.com"),
            ),
        ] {
            let url = BaseUrl::try_from(text.to_owned()).unwrap();
            assert_eq!(url.plain_host(), host, "{text}");
        }
    }
}
