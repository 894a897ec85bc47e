//! What is wrong with a configuration, said so that the reader can put it right.

mod reading;

use std::{fmt, io, path::PathBuf};

pub(crate) use reading::{did_you_mean, is_missing, problem, unknown_key, words};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("the configuration `{path}` cannot be read; check its path and who may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{file} is not TOML from line {line} on: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What the parser expected.
        reason: String,
    },
    /// Settings are wrong. All that could be found are named.
    #[error("the configuration is wrong:{}", listed(.0))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// What is wrong, setting by setting. Empty when there was nothing to look at.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            Self::Unreadable { .. } | Self::Syntax { .. } => &[],
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |list, problem| {
        format!(
            "{list}
  {problem}"
        )
    })
}

/// One setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with its sections: `redis.durability`.
    pub key: String,
    /// Its value, unless it has none or is a secret.
    pub value: Option<String>,
    /// Who gave it: a file, a variable. Empty when nobody did.
    pub origin: String,
    /// Why it cannot be, as the rest of a sentence that begins with the key.
    pub reason: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.key)?;
        match (&self.value, self.origin.is_empty()) {
            (Some(value), false) => write!(f, " (`{value}`, from {})", self.origin)?,
            (None, false) => write!(f, " (from {})", self.origin)?,
            _ => {}
        }
        write!(f, " {}; {}", self.reason, self.fix)
    }
}
