//! Names that travel between configuration, Redis keys, metrics and logs, each with a type of its own.
//!
//! A name is checked once, when it is made; after that it can be put into a key or a label as it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` cannot be a {what} name: use 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`"
)]
pub struct NameError {
    what: &'static str,
    text: String,
}

fn check(what: &'static str, text: &str) -> Result<(), NameError> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then_some(()).ok_or_else(|| NameError {
        what,
        text: text.to_owned(),
    })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks `text` and makes it a name.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check($what, &text)?;
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a connection, as in `[connections.NAME]`.
    ConnectionName, "connection"
}
name! {
    /// The name of a route, as in `[routes.NAME]`.
    RouteName, "route"
}

/// A queue: the kind of its jobs and, from the second layout of a payload on, the layout's version.
///
/// A worker names the queues that it knows, so a payload layout from a later release is never handed to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName {
    kind: &'static str,
    version: u32,
}

impl QueueName {
    /// The queue for jobs of `kind` with payload layout `version`, counted from 1.
    pub const fn new(kind: &'static str, version: u32) -> Self {
        Self { kind, version }
    }

    /// The job kind, which is what metrics and the command line call the queue.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0 | 1 => f.write_str(self.kind),
            later => write!(f, "{}@{later}", self.kind),
        }
    }
}

/// A lane: what shares an upstream limit, for example one channel or one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneName(String);

impl LaneName {
    /// A lane whose name is `segments`, percent-encoded and joined by `/`.
    pub fn new<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self(crate::ids::join(segments))
    }

    /// A lane that was read back from Redis.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The lane as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job's lane and its ancestors, the job's own lane first and the root last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneChain(Vec<LaneName>);

impl LaneChain {
    /// A chain that is a root by itself.
    pub fn root(root: LaneName) -> Self {
        Self(vec![root])
    }

    /// This chain with `lane` below its present lowest one.
    #[must_use]
    pub fn below(&self, lane: LaneName) -> Self {
        Self(
            std::iter::once(lane)
                .chain(self.0.iter().cloned())
                .collect(),
        )
    }

    /// The job's own lane.
    pub fn leaf(&self) -> &LaneName {
        self.0.first().expect("a chain is made from its root")
    }

    /// All lanes, the job's own first.
    pub fn iter(&self) -> impl Iterator<Item = &LaneName> {
        self.0.iter()
    }

    /// The lanes above the job's own, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = &LaneName> {
        self.0.iter().skip(1)
    }

    /// The lane at the top. It decides which partition holds the job and its effects.
    pub fn top(&self) -> &LaneName {
        self.0.last().expect("a chain is made from its root")
    }
}
