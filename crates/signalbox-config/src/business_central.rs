//! `[connections.NAME]` of kind `business-central`: one company of one environment.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde::Deserialize;
use signalbox_core::LaneLimits;
use uuid::Uuid;

use crate::{BaseUrl, Credential, Endpoints, credential::filled, span};

/// A company, by name or by id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Company {
    /// By id, which survives a rename.
    Id(Uuid),
    /// By name.
    Name(String),
}

impl From<String> for Company {
    fn from(text: String) -> Self {
        // A company may be called anything, but nobody calls one by a GUID.
        match text.trim_matches(['{', '}']).parse() {
            Ok(id) => Self::Id(id),
            Err(_) => Self::Name(text),
        }
    }
}

/// A connection to Business Central.
#[derive(Debug, Clone)]
pub struct BusinessCentral {
    /// Who asks.
    pub credential: Arc<Credential>,
    /// The environment's name.
    pub environment: String,
    /// The company.
    pub company: Company,
    /// The API, without version, tenant and environment.
    pub api_url: BaseUrl,
    /// The web client, for links in cards.
    pub web_client_url: BaseUrl,
    /// The OAuth scope of its tokens.
    pub scope: &'static str,
    /// Requests in flight at once.
    pub max_in_flight: NonZeroU32,
    /// What the environment allows per time, before `time_scale`.
    pub limits: LaneLimits,
    /// Records per page.
    pub page_size: NonZeroU32,
    /// How long a whole request may take.
    pub request_timeout: Duration,
}

/// The connection as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusinessCentralSection {
    /// Read before, to know that this is the struct to read into.
    #[serde(rename = "kind")]
    _kind: String,
    pub(crate) credential: String,
    #[serde(deserialize_with = "filled")]
    environment: String,
    company: Company,
    api_url: Option<BaseUrl>,
    web_client_url: Option<BaseUrl>,
    max_in_flight: NonZeroU32,
    limits: LaneLimits,
    #[serde(deserialize_with = "page_size")]
    page_size: NonZeroU32,
    #[serde(
        default,
        rename = "request_timeout_secs",
        deserialize_with = "span::seconds_if_given"
    )]
    request_timeout: Option<Duration>,
}

impl BusinessCentralSection {
    pub(crate) fn resolve(
        self,
        credential: Arc<Credential>,
        endpoints: &Endpoints,
        timeout: Duration,
    ) -> BusinessCentral {
        BusinessCentral {
            credential,
            environment: self.environment,
            company: self.company,
            api_url: self
                .api_url
                .unwrap_or_else(|| endpoints.business_central_api.clone()),
            web_client_url: self
                .web_client_url
                .unwrap_or_else(|| endpoints.business_central_web.clone()),
            scope: endpoints.business_central_scope,
            max_in_flight: self.max_in_flight,
            limits: self.limits,
            page_size: self.page_size,
            request_timeout: self.request_timeout.unwrap_or(timeout),
        }
    }
}

/// Business Central gives at most 20,000 records per page (facts, Business Central §4).
fn page_size<'de, D: serde::Deserializer<'de>>(input: D) -> Result<NonZeroU32, D::Error> {
    let size = NonZeroU32::deserialize(input)?;
    (size.get() <= 20_000).then_some(size).ok_or_else(|| {
        serde::de::Error::custom(
            "is more than Business Central gives; write a number from 1 to 20000",
        )
    })
}
