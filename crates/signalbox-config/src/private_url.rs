//! An address that may carry a password, which is shown to nobody.

use std::fmt;

use serde::Deserialize;
use url::Url;

/// An address whose user and password are only told on request.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PrivateUrl(Url);

impl PrivateUrl {
    /// Keeps `url`.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The whole address, password included, for the client that connects.
    pub fn reveal(&self) -> &Url {
        &self.0
    }

    /// The scheme, for example `rediss`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// Whether a password is part of the address.
    pub fn has_password(&self) -> bool {
        self.0.password().is_some()
    }
}

impl fmt::Display for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::redact::without_password(self.0.clone()))
    }
}

impl fmt::Debug for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
