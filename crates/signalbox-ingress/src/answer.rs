//! The only two kinds of answer that a Business Central hook may give.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// An answer that never makes Business Central delete a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Received, or of no interest: do not send it again.
    Taken,
    /// The handshake: exactly this text.
    Token(String),
    /// Not durable: send it again.
    Later,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Taken => StatusCode::OK.into_response(),
            Self::Token(token) => ([(header::CONTENT_TYPE, "text/plain")], token).into_response(),
            Self::Later => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}
