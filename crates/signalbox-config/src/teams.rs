//! `[connections.NAME]` of kind `teams`: channels in Microsoft Teams.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use serde::Deserialize;
use signalbox_core::LaneLimits;

use crate::{BaseUrl, Credential, Endpoints, span};

/// How cards get into a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A bot of our own, through the Bot Connector.
    Bot,
}

/// A connection to Microsoft Teams.
#[derive(Debug, Clone)]
pub struct Teams {
    /// Who posts.
    pub credential: Arc<Credential>,
    /// How cards get into a channel.
    pub via: Via,
    /// The Bot Connector that is used until a conversation names its own.
    pub service_url: BaseUrl,
    /// Microsoft Graph, without its version.
    pub graph_url: BaseUrl,
    /// The OAuth scope of tokens for the Bot Connector.
    pub bot_scope: &'static str,
    /// The OAuth scope of tokens for Microsoft Graph.
    pub graph_scope: &'static str,
    /// The bot's app id.
    pub bot_app_id: String,
    /// Posts to one channel, before `time_scale`.
    pub channel_limits: LaneLimits,
    /// Posts of the bot in its tenant, before `time_scale`.
    pub tenant_limits: LaneLimits,
    /// Reads of one channel, before `time_scale`.
    pub read_limits: LaneLimits,
    /// The largest card, in bytes of JSON.
    pub max_card_bytes: NonZeroUsize,
    /// How long a posted card may take to become visible in the channel's history, times `time_scale`.
    pub visibility_delay: Duration,
    /// How long a whole request may take.
    pub request_timeout: Duration,
}

/// The connection as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamsSection {
    /// Read before, to know that this is the struct to read into.
    #[serde(rename = "kind")]
    _kind: String,
    pub(crate) credential: String,
    #[serde(deserialize_with = "via")]
    via: Via,
    pub(crate) service_url: Option<BaseUrl>,
    graph_url: Option<BaseUrl>,
    bot_app_id: Option<String>,
    channel_limits: LaneLimits,
    tenant_limits: LaneLimits,
    read_limits: LaneLimits,
    max_card_bytes: NonZeroUsize,
    /// Zero is allowed: a simulator without delay.
    visibility_delay_secs: u32,
    #[serde(
        default,
        rename = "request_timeout_secs",
        deserialize_with = "span::seconds_if_given"
    )]
    request_timeout: Option<Duration>,
}

impl TeamsSection {
    /// `None` when neither the file nor the cloud names a Bot Connector.
    pub(crate) fn resolve(
        self,
        credential: Arc<Credential>,
        endpoints: &Endpoints,
        timeout: Duration,
    ) -> Option<Teams> {
        Some(Teams {
            via: self.via,
            service_url: self.service_url.or_else(|| endpoints.bot_service.clone())?,
            graph_url: self.graph_url.unwrap_or_else(|| endpoints.graph.clone()),
            bot_scope: endpoints.bot_scope,
            graph_scope: endpoints.graph_scope,
            bot_app_id: self
                .bot_app_id
                .unwrap_or_else(|| credential.client_id.clone()),
            credential,
            channel_limits: self.channel_limits,
            tenant_limits: self.tenant_limits,
            read_limits: self.read_limits,
            max_card_bytes: self.max_card_bytes,
            visibility_delay: Duration::from_secs(self.visibility_delay_secs.into()),
            request_timeout: self.request_timeout.unwrap_or(timeout),
        })
    }
}

/// The other ways are named in the design; saying so is kinder than "unknown".
fn via<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Via, D::Error> {
    let text = String::deserialize(input)?;
    match text.as_str() {
        "bot" => Ok(Via::Bot),
        "workflow" | "graph-delegated" | "graph-app" | "activity" => Err(serde::de::Error::custom(
            "is not available yet; write `bot`",
        )),
        _ => Err(serde::de::Error::custom(
            "is no way into Teams; write `bot`",
        )),
    }
}
