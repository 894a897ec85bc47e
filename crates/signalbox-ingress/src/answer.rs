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

impl Answer {
    /// The status that it is given with.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Taken | Self::Token(_) => StatusCode::OK,
            Self::Later => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = self.status();
        match self {
            Self::Taken | Self::Later => status.into_response(),
            Self::Token(token) => {
                (status, [(header::CONTENT_TYPE, "text/plain")], token).into_response()
            }
        }
    }
}
