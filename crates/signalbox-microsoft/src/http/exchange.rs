//! What an error may say about a request and its answer: no query, no body, no token, no secret.

use std::{fmt, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use url::Url;
use uuid::Uuid;

use super::{body::Body, call::Call, error_body};

/// Headers in which the services name a request; the first that is there counts.
const REQUEST_ID_HEADERS: [&str; 5] = [
    "request-id",
    "x-correlating-operationid",
    "x-ms-request-id",
    "ms-correlation-x",
    "x-ms-correlation-request-id",
];

/// A request and what is known of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The host, with the port if the URL has one.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The answer's status.
    pub status: Option<u16>,
    /// The error's code in the service's own words, for example `BotNotInConversationRoster`.
    pub code: Option<String>,
    /// The error's message, without the correlation id that Business Central appends to it.
    pub message: Option<String>,
    /// The `client-request-id` that we sent.
    pub request_id: Uuid,
    /// What the service calls the request.
    pub upstream_request_id: Option<String>,
}

impl Exchange {
    pub(crate) fn of(call: &Call<'_>, request_id: Uuid) -> Self {
        Self {
            method: call.method.clone(),
            host: host(&call.url),
            path: call.url.path().to_owned(),
            status: None,
            code: None,
            message: None,
            request_id,
            upstream_request_id: None,
        }
    }

    /// Adds what an answer says.
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap, body: &Body) {
        self.status = Some(status.as_u16());
        self.upstream_request_id = REQUEST_ID_HEADERS
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
            .map(str::to_owned);
        if !status.is_success() {
            let error = error_body::read(&body.bytes);
            self.code = error.code;
            self.message = error.message;
            self.upstream_request_id = self.upstream_request_id.take().or(error.request_id);
        }
    }
}

/// The host, with the port if the URL has one.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.path)?;
        if let Some(status) = self.status {
            write!(f, " was answered {status}")?;
        }
        if let Some(code) = &self.code {
            write!(f, " `{code}`")?;
        }
        if let Some(message) = &self.message {
            write!(f, ", {message}")?;
        }
        if !self.request_id.is_nil() {
            write!(f, " (client-request-id {}", self.request_id)?;
            if let Some(id) = &self.upstream_request_id {
                write!(f, ", request-id {id}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// What is wrong with an answer, or with the way to it.
#[derive(Debug, thiserror::Error)]
pub enum Defect {
    /// The lease or whatever else the deadline stands for ran out.
    #[error("its deadline passed")]
    DeadlinePassed,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// A link leads to another host, which must not see our token.
    #[error("its link leads to {0}, which is not where the listing came from")]
    ForeignLink(String),
    /// A field that cannot be missing is missing.
    #[error("it has no usable `{0}`")]
    Missing(&'static str),
    /// Not JSON, or not of the shape that the documentation shows.
    #[error("it cannot be read")]
    NotAsExpected(#[source] serde_json::Error),
    /// HTML, which a proxy or a gateway gives in place of an answer.
    #[error("it is a page for people and no data")]
    Page,
    /// There was no answer in time.
    #[error("there was no whole answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The answer is longer than what is read of it.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// The connection broke.
    #[error("the connection broke")]
    Transport(#[source] reqwest::Error),
}
