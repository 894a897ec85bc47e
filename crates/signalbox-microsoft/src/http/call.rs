//! One request, before it is sent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use super::errand::Errand;
use crate::entra::TokenSource;

/// The longest answer that is read unless the call says otherwise, in bytes.
const ANSWER_LIMIT: usize = 64 << 20;

/// Whose token a request carries, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    /// Where the token comes from.
    pub tokens: &'a TokenSource,
    /// The scope, for example `https://graph.microsoft.com/.default`.
    pub scope: &'a str,
}

/// One request.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// Headers beyond those that every request carries.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The token to carry; none for requests that need none.
    pub credential: Option<Credential<'a>>,
    /// The time for the request and its whole answer, if the sender's default does not fit.
    pub timeout: Option<Duration>,
    /// The longest answer that is read, in bytes.
    pub answer_limit: usize,
    /// On whose behalf.
    pub errand: Errand<'a>,
}

impl<'a> Call<'a> {
    /// A call without headers, body and credential.
    pub fn new(method: Method, url: Url, errand: Errand<'a>) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            credential: None,
            timeout: None,
            answer_limit: ANSWER_LIMIT,
            errand,
        }
    }

    /// This call with a header more.
    #[must_use]
    pub fn header(mut self, name: impl Into<HeaderName>, value: HeaderValue) -> Self {
        self.headers.insert(name.into(), value);
        self
    }

    /// This call with `body` as JSON.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let json = serde_json::to_vec(body).expect("bodies are made of strings, maps and lists");
        self.body = Some(json.into());
        self.header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
    }

    /// This call with `body` as an HTML form.
    #[must_use]
    pub(crate) fn form(mut self, body: String) -> Self {
        self.body = Some(body.into());
        self.header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )
    }
}
