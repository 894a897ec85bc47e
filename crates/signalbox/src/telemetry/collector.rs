//! The collector, over OTLP with protobuf in an HTTP request.

use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message;
use reqwest::{StatusCode, header};
use url::Url;

/// Where spans are sent.
#[derive(Debug)]
pub(crate) struct Collector {
    client: reqwest::Client,
    traces: Url,
    resource: ResourceAttributesWithSchema,
}

/// Why spans were not taken. Neither the address nor what the answer says is told: both may hold a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// No whole answer came.
    #[error("the collector did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// It answered something else than 2xx.
    #[error("the collector answered {0}")]
    Refused(StatusCode),
}

impl Collector {
    pub(crate) fn new(client: reqwest::Client, traces: Url, resource: &Resource) -> Self {
        Self {
            client,
            traces,
            resource: resource.into(),
        }
    }

    /// Sends spans once. They are not sent again: what follows is worth more than what is late.
    pub(crate) async fn take(&self, spans: Vec<SpanData>) -> Result<(), NotTaken> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let answer = self
            .client
            .post(self.traces.clone())
            .timeout(super::REQUEST)
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(request.encode_to_vec())
            .send()
            .await
            .map_err(|error| NotTaken::NoAnswer(error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(NotTaken::Refused(status)),
        }
    }
}
