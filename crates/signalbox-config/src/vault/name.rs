//! Names of sealed secrets: short, and the same in a file, on a command line and in a table.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a sealed secret: 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// Why a text is no name of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot be the name of a secret; use 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`"
)]
pub struct SecretNameError;

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = SecretNameError;

    fn try_from(text: String) -> Result<Self, SecretNameError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
        is_name.then_some(Self(text)).ok_or(SecretNameError)
    }
}

impl std::str::FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        text.to_owned().try_into()
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
