//! A 2xx answer, and reading it as what it should be.

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::{
    error::Error,
    exchange::{Defect, Exchange},
};

/// A 2xx answer.
#[derive(Debug)]
pub struct Answer {
    /// What was asked, and the status.
    pub exchange: Exchange,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON of the shape `T`.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::garbled(self.exchange, Defect::NotAsExpected(error)))
    }
}
