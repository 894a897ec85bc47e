//! Why a call has no result, by meaning, so that a job can decide by variant and a person knows what to do.

use jiff::Timestamp;

use super::{
    exchange::{Defect, Exchange},
    gatekeeper::Refusal,
};
use crate::{advice, entra::error::EntraError};

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name fits more than one thing.
    #[error("the {kind} name `{name}` is ambiguous, it could be {}", candidates.join(", "))]
    AmbiguousName {
        /// What was looked for: `team`, `channel`, `company` or `environment`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What it could be, each with its id.
        candidates: Vec<String>,
    },
    /// A 400 that asks to try again later, as Business Central answers under load. Nothing was done.
    #[error("busy: {exchange}")]
    Busy {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// A card is larger than what Teams shows; it was not sent.
    #[error("the card has {bytes} bytes and may have {limit}")]
    CardTooLarge {
        /// Its size as JSON, in bytes.
        bytes: usize,
        /// The largest size that is sent, in bytes.
        limit: usize,
    },
    /// 409, 412 or 423: something else changed the same thing.
    #[error("conflict: {exchange}")]
    Conflict {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// The place in a listing is not known any more; the listing has to be begun again.
    #[error("the listing cannot be gone on with: {exchange}")]
    Expired {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// 403.
    #[error("forbidden: {exchange}")]
    Forbidden {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// A 2xx whose body is not what it should be, a page of HTML for one. Whatever was asked for was probably done.
    #[error("the answer makes no sense: {exchange}")]
    Garbled {
        /// The request and its answer.
        exchange: Box<Exchange>,
        /// What is wrong with it.
        source: Defect,
    },
    /// A limit of ours or a closed gate is in the way; nothing was sent.
    #[error("held back")]
    Held {
        /// Until when, and why.
        source: Refusal,
    },
    /// No answer came although bytes may have left: it may or may not have been done.
    #[error("interrupted: {exchange}")]
    Interrupted {
        /// The request.
        exchange: Box<Exchange>,
        /// What happened.
        source: Defect,
    },
    /// 404 or 410.
    #[error("not found: {exchange}")]
    NotFound {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// There is no token to ask with; nothing was sent.
    #[error("there is no access token")]
    NoToken {
        /// Why.
        source: EntraError,
    },
    /// The deadline had passed before anything was sent.
    #[error("the deadline had passed before the request was sent: {exchange}")]
    OutOfTime {
        /// The request.
        exchange: Box<Exchange>,
    },
    /// Any other 4xx, or a redirect.
    #[error("rejected: {exchange}")]
    Rejected {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// 429.
    #[error("throttled: {exchange}")]
    Throttled {
        /// The request and its answer.
        exchange: Box<Exchange>,
        /// Nothing may be sent before this instant.
        retry_after: Option<Timestamp>,
    },
    /// 413.
    #[error("too large: {exchange}")]
    TooLarge {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// 401, with a new token as well.
    #[error("unauthorized: {exchange}")]
    Unauthorized {
        /// The request and its answer.
        exchange: Box<Exchange>,
    },
    /// 5xx, 408 or the code `Internal_TenantUnavailable`: it may or may not have been done.
    #[error("unavailable: {exchange}")]
    Unavailable {
        /// The request and its answer.
        exchange: Box<Exchange>,
        /// Nothing may be sent before this instant.
        retry_after: Option<Timestamp>,
    },
    /// Nothing has this name.
    #[error("there is no {kind} `{name}`; there {}", known_names(known))]
    UnknownName {
        /// What was looked for: `team`, `channel`, `company` or `environment`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Up to ten names that exist.
        known: Vec<String>,
    },
    /// There is no connection: a refusal, a name that does not resolve, a failed TLS handshake. Nothing was sent.
    #[error("unreachable: {exchange}")]
    Unreachable {
        /// The request.
        exchange: Box<Exchange>,
        /// What happened.
        source: reqwest::Error,
    },
}

fn known_names(known: &[String]) -> String {
    match known {
        [] => "is none at all".to_owned(),
        [only] => format!("is only `{only}`"),
        several => format!("are `{}`", several.join("`, `")),
    }
}

/// Codes that name what every request of the connection names, whatever status they come with
/// (facts, Business Central §5.3).
fn is_code_of_the_connection(code: &str) -> bool {
    matches!(
        code,
        "Authentication_InvalidCredentials" | "Internal_CompanyNotFound" | "NoEnvironment"
    )
}

impl Error {
    pub(crate) fn garbled(exchange: Exchange, source: Defect) -> Self {
        let exchange = Box::new(exchange);
        Self::Garbled { exchange, source }
    }

    pub(crate) fn out_of_time(exchange: Exchange) -> Self {
        let exchange = Box::new(exchange);
        Self::OutOfTime { exchange }
    }

    /// Whether it is the world's fault and passes without anybody's doing.
    ///
    /// What is neither transient nor the connection's fault is the job's own, and uses up its attempts.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Expired { .. }
            | Self::Held { .. }
            | Self::Interrupted { .. }
            | Self::OutOfTime { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Conflict { .. } => true,
            Self::NoToken { source } => source.is_transient(),
            _ => false,
        }
    }

    /// Whether the connection is at fault, so that every job of it would fail alike until a person acts.
    pub fn is_connection_fault(&self) -> bool {
        match self {
            Self::Forbidden { .. } | Self::Unauthorized { .. } => true,
            Self::NoToken { source } => !source.is_transient(),
            Self::UnknownName { kind, .. } | Self::AmbiguousName { kind, .. } => {
                matches!(*kind, "company" | "environment")
            }
            Self::NotFound { .. } | Self::Rejected { .. } => {
                self.code().is_some_and(is_code_of_the_connection)
            }
            _ => false,
        }
    }

    /// The instant before which nothing may be sent, if an answer named one.
    pub fn retry_after(&self) -> Option<Timestamp> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            Self::Held { source } => Some(source.until),
            Self::NoToken { source } => source.retry_after(),
            _ => None,
        }
    }

    /// Whether it is certain that the upstream did nothing, so that an intended effect may be withdrawn.
    ///
    /// A 4xx was refused and a connection that never was carried nothing. After a 5xx, a 408, a timeout or a broken
    /// connection the effect may exist, and after a 2xx that cannot be read it almost certainly does.
    pub fn proves_nothing_was_done(&self) -> bool {
        match self {
            Self::Garbled { .. } | Self::Interrupted { .. } | Self::Unavailable { .. } => false,
            Self::Rejected { exchange } => exchange.status.is_some_and(|status| status >= 400),
            _ => true,
        }
    }

    /// Whether less may be answered where this was too much: a listing is asked again with smaller pages.
    ///
    /// Business Central ends a request after 8 minutes with 408 and its gateway after 10 with 504; a page over its
    /// limit is a 413 (facts, Business Central §5.1 and §5.2). Our own timeout comes before both.
    pub fn asks_to_split(&self) -> bool {
        match self {
            Self::Unavailable { exchange, .. } => matches!(exchange.status, Some(408 | 504)),
            Self::Interrupted { source, .. } => matches!(source, Defect::TimedOut(_)),
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// What a person should do about it.
    pub fn next_step(&self) -> String {
        advice::next_step(self).into_owned()
    }

    /// The request and its answer, if it came to one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::AmbiguousName { .. }
            | Self::CardTooLarge { .. }
            | Self::Held { .. }
            | Self::NoToken { .. }
            | Self::UnknownName { .. } => None,
            Self::Busy { exchange }
            | Self::Conflict { exchange }
            | Self::Expired { exchange }
            | Self::Forbidden { exchange }
            | Self::Garbled { exchange, .. }
            | Self::Interrupted { exchange, .. }
            | Self::NotFound { exchange }
            | Self::OutOfTime { exchange }
            | Self::Rejected { exchange }
            | Self::Throttled { exchange, .. }
            | Self::TooLarge { exchange }
            | Self::Unauthorized { exchange }
            | Self::Unavailable { exchange, .. }
            | Self::Unreachable { exchange, .. } => Some(exchange),
        }
    }

    /// The service's own code, for example `BotNotInConversationRoster`.
    pub fn code(&self) -> Option<&str> {
        self.exchange()?.code.as_deref()
    }

    /// The answer's status.
    pub fn status(&self) -> Option<u16> {
        self.exchange()?.status
    }
}
