//! The one send path: whatever this crate asks of the cloud passes through [`Sender::send`].
//!
//! It guarantees that a request carries a fresh `client-request-id` and the trace of its signal, that it does not
//! start after its deadline and is cut off at it, that one 401 costs one new token and no more, and that every
//! failure has a meaning: see [`Error`]. It never tries again otherwise; that is the queue's business.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod classify;
pub(crate) mod client;
mod counts;
pub(crate) mod errand;
pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod exchange;
pub(crate) mod gatekeeper;
pub(crate) mod outage;
mod request_span;
pub(crate) mod retry_after;

use std::{sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use signalbox_core::Clock;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use uuid::Uuid;

use self::{
    answer::Answer,
    body::Body,
    call::Call,
    client::{SenderError, SenderOptions},
    error::Error,
    exchange::{Defect, Exchange},
};
use crate::entra::Token;

/// Sends calls. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
    request_timeout: Duration,
    clock: Arc<dyn Clock>,
    /// Whose requests are counted.
    connection: Arc<str>,
}

/// What came back, before anybody decided what it means.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) exchange: Exchange,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When the head of the answer was here; `Retry-After` counts from it.
    pub(crate) at: Timestamp,
}

impl Sender {
    /// A sender with its own pool of connections.
    pub fn new(options: &SenderOptions, clock: Arc<dyn Clock>) -> Result<Self, SenderError> {
        let connection = options.connection.as_str().into();
        counts::begin(&connection);
        Ok(Self {
            client: client::build(options)?,
            request_timeout: options.request_timeout,
            clock,
            connection,
        })
    }

    /// Sends `call` and returns its answer if that is a 2xx.
    ///
    /// After a 401 the token is dropped, and the call is sent once more with a new one.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, Error> {
        let settled = self.settled(&call).await;
        if let Some(gatekeeper) = call.errand.gatekeeper {
            gatekeeper.ended(settled.as_ref().map(drop)).await;
        }
        settled
    }

    async fn settled(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let Some(credential) = call.credential else {
            return classify::answer(self.exchange(call, None).await?);
        };
        let token = self.token(call).await?;
        match classify::answer(self.exchange(call, token.as_ref()).await?) {
            Err(Error::Unauthorized { .. }) => {
                if let Some(token) = token {
                    credential.tokens.invalidate(credential.scope, &token).await;
                }
                let token = self.token(call).await?;
                classify::answer(self.exchange(call, token.as_ref()).await?)
            }
            settled => settled,
        }
    }

    /// What time it is, for whoever shares this sender.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn token(&self, call: &Call<'_>) -> Result<Option<Token>, Error> {
        let Some(credential) = call.credential else {
            return Ok(None);
        };
        let asked = call
            .errand
            .run(credential.tokens.token(credential.scope))
            .await;
        let token = asked.ok_or_else(|| Error::out_of_time(Exchange::of(call, Uuid::nil())))?;
        token.map(Some).map_err(|source| Error::NoToken { source })
    }

    /// Writes one request and reads its answer, whatever its status. Nothing else in this crate writes bytes.
    pub(crate) async fn exchange(
        &self,
        call: &Call<'_>,
        token: Option<&Token>,
    ) -> Result<Reply, Error> {
        let id = Uuid::new_v4();
        let mut exchange = Exchange::of(call, id);
        let started = Instant::now();
        if call.errand.is_over() {
            return Err(Error::out_of_time(exchange));
        }
        let _place = match call.errand.gatekeeper {
            Some(gatekeeper) => {
                let asked = call.errand.run(gatekeeper.ask()).await;
                let asked = asked.ok_or_else(|| Error::out_of_time(exchange.clone()))?;
                Some(asked.map_err(|source| Error::Held { source })?)
            }
            None => None,
        };
        let timeout = call.timeout.unwrap_or(self.request_timeout);
        let span = request_span::of(call, &self.connection);
        let request = span.in_scope(|| self.request(call, id, token));
        let work = self.transfer(request, call.answer_limit);
        let work = tokio::time::timeout(timeout, work).instrument(span.clone());
        let outcome = match call.errand.run(work).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(Trouble::Defect(Defect::TimedOut(timeout))),
            None => Err(Trouble::Defect(Defect::DeadlinePassed)),
        };
        let elapsed_ms = started.elapsed().as_millis();
        let status = outcome.as_ref().map(|transfer| transfer.status);
        let status = status.map_err(Trouble::word);
        request_span::ended(&span, status);
        let status = status.as_ref().map_or_else(|word| *word, |s| s.as_str());
        counts::ended(&self.connection, status);
        match outcome {
            Ok(transfer) => {
                exchange.answered(transfer.status, &transfer.headers, &transfer.body);
                tracing::debug!(http.exchange = %exchange, http.elapsed_ms = elapsed_ms, "an upstream answered");
                transfer.into_reply(exchange)
            }
            Err(trouble) => {
                tracing::debug!(http.exchange = %exchange, http.elapsed_ms = elapsed_ms, "an upstream did not answer");
                Err(trouble.into_error(exchange))
            }
        }
    }

    fn request(&self, call: &Call<'_>, id: Uuid, token: Option<&Token>) -> reqwest::RequestBuilder {
        let mut headers = call.headers.clone();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        // Texts of errors and the form of numbers in them depend on it (facts, Business Central §4).
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en-US"));
        let id = HeaderValue::from_str(&id.to_string()).expect("a UUID is visible ASCII");
        headers.insert("client-request-id", id);
        // Where nothing records requests, the upstream hangs on the job.
        let span = signalbox_trace::traceparent_of(&Span::current());
        let trace = span.as_deref().or(call.errand.trace);
        if let Some(trace) = trace.and_then(|trace| trace.parse().ok()) {
            headers.insert("traceparent", trace);
        }
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .headers(headers);
        if let Some(token) = token {
            request = request.bearer_auth(token.secret().expose_secret());
        }
        match &call.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    async fn transfer(
        &self,
        request: reqwest::RequestBuilder,
        limit: usize,
    ) -> Result<Transfer, Trouble> {
        let response = request.send().await.map_err(Trouble::from)?;
        let at = self.clock.now();
        let status = response.status();
        let headers = response.headers().clone();
        let body = if status.is_success() {
            body::read(response, limit).await.map_err(Trouble::from)?
        } else {
            // What an error says beside its status is welcome, not needed.
            body::read(response, body::ERROR_LIMIT)
                .await
                .unwrap_or_default()
        };
        Ok(Transfer {
            status,
            headers,
            body,
            at,
        })
    }
}

/// An answer as it came over the wire.
struct Transfer {
    status: ::http::StatusCode,
    headers: HeaderMap,
    body: Body,
    at: Timestamp,
}

impl Transfer {
    fn into_reply(self, exchange: Exchange) -> Result<Reply, Error> {
        if self.body.cut && self.status.is_success() {
            return Err(Error::garbled(
                exchange,
                Defect::TooLong(self.body.bytes.len()),
            ));
        }
        Ok(Reply {
            exchange,
            headers: self.headers,
            body: self.body.bytes,
            at: self.at,
        })
    }
}

/// Why there is no answer.
enum Trouble {
    Transport(reqwest::Error),
    Defect(Defect),
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        // The URL may hold a filter with somebody's name in it; the exchange says host and path.
        Self::Transport(error.without_url())
    }
}

impl Trouble {
    /// What it is counted as, in place of a status.
    fn word(&self) -> &'static str {
        match self {
            Self::Transport(source) if source.is_connect() || source.is_builder() => "unreachable",
            Self::Defect(Defect::TimedOut(_)) => "timeout",
            Self::Transport(_) | Self::Defect(_) => "interrupted",
        }
    }

    fn into_error(self, exchange: Exchange) -> Error {
        let exchange = Box::new(exchange);
        match self {
            // Connecting and building come before the first byte of a request.
            Self::Transport(source) if source.is_connect() || source.is_builder() => {
                Error::Unreachable { exchange, source }
            }
            Self::Transport(source) => Error::Interrupted {
                exchange,
                source: Defect::Transport(source),
            },
            Self::Defect(source) => Error::Interrupted { exchange, source },
        }
    }
}
