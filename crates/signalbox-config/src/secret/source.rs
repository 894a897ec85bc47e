//! Where a secret is, as the file writes it, and looking it up there.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use figment::value::Value;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{SecretError, command};
use crate::{Environment, SecretName};

/// A secret as the file writes it.
#[derive(Debug, Clone)]
pub(crate) enum SecretSource {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Sealed(SecretName),
    Plain(SecretString),
}

/// A master key as the file writes it: it cannot be sealed itself, and a command may fetch it.
pub(crate) struct MasterKeySource(pub(crate) SecretSource);

/// How long a command may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

impl SecretSource {
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Where it is, in words.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable `{name}`"),
            Self::File(path) => format!("the file `{}`", path.display()),
            // Its arguments may be confidential.
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("the command `{program}`")
            }
            Self::Sealed(name) => format!("the sealed secret `{name}`"),
            Self::Plain(_) => "the configuration".to_owned(),
        }
    }

    /// The value. What is sealed is the vault's to open, and is not there.
    pub(crate) fn look_up(
        &self,
        env: &Environment,
        patience: Patience,
    ) -> Result<SecretString, SecretError> {
        let text = Zeroizing::new(self.text(env, patience)?);
        // Editors and commands end a text with a newline; no secret does.
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Empty(self.place()));
        }
        Ok(SecretString::from(text.to_owned()))
    }

    fn text(&self, env: &Environment, patience: Patience) -> Result<String, SecretError> {
        match self {
            Self::Env(name) => {
                let value = env.variable(name).map(str::to_owned);
                value.ok_or_else(|| SecretError::NotSet(name.clone()))
            }
            Self::File(path) => env.read(path).map_err(|source| SecretError::Unreadable {
                path: path.clone(),
                source: Arc::new(source),
            }),
            Self::Command(words) => command::run(words, &self.place(), patience.0),
            Self::Plain(text) => Ok(text.expose_secret().to_owned()),
            Self::Sealed(_) => Err(SecretError::Empty(self.place())),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        const EXPECTED: &str =
            "a secret: `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ sealed = \"name\" }`";
        let source = input.deserialize_any(SecretVisitor(EXPECTED))?;
        match source {
            Self::Command(_) => Err(D::Error::custom(format!(
                "does not know `command`; write {EXPECTED}"
            ))),
            other => Ok(other),
        }
    }
}

impl<'de> Deserialize<'de> for MasterKeySource {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "a master key: `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ command = [\"program\", \"argument\"] }`";
        let source = input.deserialize_any(SecretVisitor(EXPECTED))?;
        match source {
            SecretSource::Sealed(_) => Err(D::Error::custom(format!(
                "cannot be sealed, because it opens what is; write {EXPECTED}"
            ))),
            other => Ok(Self(other)),
        }
    }
}

/// Knows how its kind of secret is written, for every message about one that is not.
struct SecretVisitor(&'static str);

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretSource, E> {
        Ok(SecretSource::Plain(SecretString::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let expected = self.0;
        let Some((kind, value)) = map.next_entry::<String, Value>()? else {
            return Err(A::Error::custom(format!("is empty; write {expected}")));
        };
        if map.next_key::<String>()?.is_some() {
            let message = format!("names more than one place; write {expected}");
            return Err(A::Error::custom(message));
        }
        let unknown = || A::Error::custom(format!("does not know `{kind}`; write {expected}"));
        if kind == "command" {
            return command_of(&value).ok_or_else(|| {
                A::Error::custom("is no command; write a list: the program and its arguments")
            });
        }
        let text = value.as_str().ok_or_else(unknown)?;
        match kind.as_str() {
            "env" => Ok(SecretSource::Env(text.to_owned())),
            "file" => Ok(SecretSource::File(text.into())),
            "sealed" => SecretName::try_from(text.to_owned())
                .map(SecretSource::Sealed)
                .map_err(A::Error::custom),
            _ => Err(unknown()),
        }
    }
}

fn command_of(value: &Value) -> Option<SecretSource> {
    let words = value.as_array()?.iter();
    let words = words.map(|word| word.as_str().map(str::to_owned));
    let words: Vec<String> = words.collect::<Option<_>>()?;
    (!words.is_empty()).then_some(SecretSource::Command(words))
}
