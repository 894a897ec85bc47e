//! Secrets: where they come from, and how they are kept out of everything that can be read.
//!
//! A secret is looked up when the configuration is loaded, but its absence is told only when it is needed:
//! the ingress needs none, and is not given any.

use std::{fmt, io, path::PathBuf, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use crate::Environment;

/// Why a secret is not there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretError {
    /// The variable that should hold it is not set.
    #[error(
        "the environment variable `{0}` is not set; set it for the process that needs the secret"
    )]
    NotSet(String),
    /// The file that should hold it cannot be read.
    #[error("the secret file `{path}` cannot be read; check its path and who may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The place is there and holds nothing.
    #[error("{0} is empty; put the secret into it")]
    Empty(String),
}

/// A secret and where it came from. Nothing prints its value.
#[derive(Clone)]
pub struct Secret {
    place: String,
    value: Result<SecretString, SecretError>,
}

impl Secret {
    /// The value, for the one request that carries it.
    pub fn reveal(&self) -> Result<&SecretString, SecretError> {
        self.value.as_ref().map_err(Clone::clone)
    }

    /// Where it is kept, in words: for messages.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(from {})", self.place)
    }
}

/// A secret as the file writes it.
#[derive(Clone)]
pub(crate) enum SecretSource {
    Env(String),
    File(PathBuf),
    Plain(SecretString),
}

impl SecretSource {
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Looks the secret up.
    pub(crate) fn resolve(self, env: &Environment) -> Secret {
        let (place, found) = match self {
            Self::Env(name) => {
                let found = env.variable(&name).map(str::to_owned);
                let place = format!("the environment variable `{name}`");
                (place, found.ok_or(SecretError::NotSet(name)))
            }
            Self::File(path) => {
                let place = format!("the file `{}`", path.display());
                let found = env.read(&path).map_err(|source| SecretError::Unreadable {
                    path,
                    source: Arc::new(source),
                });
                (place, found)
            }
            Self::Plain(text) => {
                let place = "the configuration".to_owned();
                (place, Ok(text.expose_secret().to_owned()))
            }
        };
        // Editors end a file with a newline; no secret does.
        let found = found.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
        let value = found.and_then(|text| {
            let filled = !text.is_empty();
            filled
                .then(|| SecretString::from(text))
                .ok_or_else(|| SecretError::Empty(place.clone()))
        });
        Secret { place, value }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

/// How a secret is written, for every message about one that is not.
const EXPECTED: &str = "a secret: `{ env = \"NAME\" }` or `{ file = \"path\" }`";

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretSource, E> {
        Ok(SecretSource::Plain(SecretString::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let Some((kind, value)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::custom(format!("is empty; write {EXPECTED}")));
        };
        if map.next_key::<String>()?.is_some() {
            let message = format!("names more than one place; write {EXPECTED}");
            return Err(A::Error::custom(message));
        }
        match kind.as_str() {
            "env" => Ok(SecretSource::Env(value)),
            "file" => Ok(SecretSource::File(value.into())),
            "sealed" => {
                let message = "is sealed, which is not available yet; write `{ env = \"NAME\" }` or `{ file = \"path\" }`";
                Err(A::Error::custom(message))
            }
            _ => Err(A::Error::custom(format!(
                "does not know `{kind}`; write {EXPECTED}"
            ))),
        }
    }
}
