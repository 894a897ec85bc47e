//! Why there is no access token, by meaning.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;

use super::hints;
use crate::http::error::Error;

/// Why there is no access token. Cloned to everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EntraError {
    /// The credential, the tenant or the scope is wrong, or a policy forbids it. A person must act.
    #[error("the token request was refused with `{error}`{}", details(*aadsts, trace_id.as_deref()))]
    Configuration {
        /// The OAuth error word, which alone decides.
        error: String,
        /// The AADSTS number, for the hint.
        aadsts: Option<u32>,
        /// What Microsoft's support finds the request by.
        trace_id: Option<String>,
    },
    /// Too many token requests.
    #[error("the token endpoint throttled us")]
    Throttled {
        /// Nobody asks before this instant.
        retry_after: Option<Timestamp>,
    },
    /// The endpoint is in trouble, or something between answered in its place.
    #[error("the token endpoint answered {status} without a token")]
    Unavailable {
        /// The status.
        status: u16,
        /// Nobody asks before this instant.
        retry_after: Option<Timestamp>,
    },
    /// The endpoint gave no whole answer. Asking again changes nothing, so it does not matter what was sent.
    #[error("the token endpoint did not answer")]
    Unreachable(#[source] Arc<Error>),
}

fn details(aadsts: Option<u32>, trace_id: Option<&str>) -> String {
    let number = aadsts.map_or_else(String::new, |number| format!(", AADSTS{number}"));
    let trace = trace_id.map_or_else(String::new, |id| format!(" (trace {id})"));
    number + &trace
}

impl EntraError {
    /// Whether it passes without anybody's doing.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Configuration { .. })
    }

    /// The instant before which nobody may ask again, if an answer named one.
    pub fn retry_after(&self) -> Option<Timestamp> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Configuration { .. } | Self::Unreachable(_) => None,
        }
    }

    /// What a person should do about it.
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::Configuration { aadsts, .. } => hints::hint(*aadsts),
            Self::Throttled { .. } | Self::Unavailable { .. } => {
                "wait: it is tried again by itself; if it lasts, look at the health page of Microsoft Entra".into()
            }
            Self::Unreachable(error) => error.next_step().into(),
        }
    }
}
