//! The address of an outside system: `https`, or anything on this machine.

use std::fmt;

use serde::Deserialize;
use url::{Host, Url};

/// An absolute address without query or fragment, over `https` unless it is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(Url);

/// Why a text is not the address of an outside system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an address at all.
    #[error("is not an address; write it in full, for example `https://example.com`")]
    NotAnAddress(#[source] url::ParseError),
    /// Secrets would travel readably.
    #[error(
        "must begin with `https://`, because tokens travel over it; `http://` is for this machine only"
    )]
    NotEncrypted,
    /// Something that cannot be the beginning of other addresses.
    #[error("must end after its path; leave out user, `?…` and `#…`")]
    NotABase,
}

impl BaseUrl {
    /// The address without a slash at its end, to be continued with `/…`.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
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
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(BaseUrlError::NotEncrypted),
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
    fn an_outside_address_is_encrypted_and_ends_after_its_path() {
        check("https://example.com/", Some("https://example.com"));
        check("https://example.com/a/b/", Some("https://example.com/a/b"));
        check("http://example.com", None);
        check("ftp://localhost", None);
        check("https://me:pw@example.com", None);
        check("https://example.com?x=1", None);
        check("example.com", None);
    }

    #[test]
    fn this_machine_may_be_spoken_to_in_the_clear() {
        check("http://127.0.0.1:8090/x", Some("http://127.0.0.1:8090/x"));
        check("http://[::1]:1", Some("http://[::1]:1"));
        check("http://localhost:8090", Some("http://localhost:8090"));
        check("http://localhost.example.com", None);
    }
}
