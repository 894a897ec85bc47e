//! What a request is aimed at: the service, the operation, and the lane it uses.
//!
//! Faults, limits and the check for early arrivals all go by these names.

use http::Method;
use serde::Serialize;

/// A simulated service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Api {
    /// The token endpoint.
    Entra,
    /// The ERP.
    BusinessCentral,
    /// The Bot Connector.
    Bot,
    /// Microsoft Graph.
    Graph,
}

/// An operation, as faults and records name it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
pub enum Target {
    /// `POST …/oauth2/v2.0/token`.
    #[serde(rename = "entra.token")]
    EntraToken,
    /// Any `GET` of companies and their tables, also inside a batch.
    #[serde(rename = "bc.read")]
    BcRead,
    /// `POST $batch`, whose reads are `bc.read` each.
    #[serde(rename = "bc.batch")]
    BcBatch,
    /// A bound action such as `Microsoft.NAV.post`.
    #[serde(rename = "bc.write")]
    BcWrite,
    /// The `subscriptions` resource, whatever the method.
    #[serde(rename = "bc.subscriptions")]
    BcSubscriptions,
    /// A message sent through the Bot Connector.
    #[serde(rename = "bot.post")]
    BotPost,
    /// `GET /teams`.
    #[serde(rename = "graph.teams")]
    GraphTeams,
    /// `GET /teams/{id}/channels`.
    #[serde(rename = "graph.channels")]
    GraphChannels,
    /// `GET` of a channel's messages.
    #[serde(rename = "graph.messages")]
    GraphMessages,
    /// `POST` of a channel message.
    #[serde(rename = "graph.post")]
    GraphPost,
    /// Anything else.
    #[serde(rename = "other")]
    Other,
}

impl Target {
    /// The name used in faults and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntraToken => "entra.token",
            Self::BcRead => "bc.read",
            Self::BcBatch => "bc.batch",
            Self::BcWrite => "bc.write",
            Self::BcSubscriptions => "bc.subscriptions",
            Self::BotPost => "bot.post",
            Self::GraphTeams => "graph.teams",
            Self::GraphChannels => "graph.channels",
            Self::GraphMessages => "graph.messages",
            Self::GraphPost => "graph.post",
            Self::Other => "other",
        }
    }

    /// The operation behind a request line.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let get = method == Method::GET;
        match path.split('/').nth(1) {
            Some("entra") => Self::EntraToken,
            Some("bc") if path.contains("/subscriptions") => Self::BcSubscriptions,
            Some("bc") if decoded(path).ends_with("/$batch") => Self::BcBatch,
            Some("bc") if get => Self::BcRead,
            Some("bc") => Self::BcWrite,
            Some("bot") => Self::BotPost,
            Some("graph") if path.ends_with("/messages") && get => Self::GraphMessages,
            Some("graph") if path.contains("/messages") => Self::GraphPost,
            Some("graph") if path.contains("/channels") => Self::GraphChannels,
            Some("graph") => Self::GraphTeams,
            _ => Self::Other,
        }
    }

    /// The service that answers, if any does.
    pub(crate) fn api(self) -> Option<Api> {
        match self {
            Self::EntraToken => Some(Api::Entra),
            Self::BcRead | Self::BcBatch | Self::BcWrite | Self::BcSubscriptions => {
                Some(Api::BusinessCentral)
            }
            Self::BotPost => Some(Api::Bot),
            Self::GraphTeams | Self::GraphChannels | Self::GraphMessages | Self::GraphPost => {
                Some(Api::Graph)
            }
            Self::Other => None,
        }
    }

    /// The lane whose `Retry-After` binds this request: per application and conversation
    /// for the bot, per application and environment for Business Central, per application for
    /// Entra, per channel for Graph.
    pub(crate) fn lane(self, app: &str, path: &str, body: &[u8]) -> String {
        match self.api() {
            Some(Api::Entra) => "entra".into(),
            Some(Api::BusinessCentral) => {
                let mut segments = path
                    .strip_prefix("/bc/v2.0/")
                    .unwrap_or_default()
                    .split('/');
                let environment = segments.nth(1);
                format!("bc/{app}/{}", environment.unwrap_or_default())
            }
            Some(Api::Bot) => {
                format!(
                    "bot/{app}/{}",
                    crate::bot::channel_of(path, body).unwrap_or_default()
                )
            }
            Some(Api::Graph) => {
                let channel = path
                    .split("/channels/")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next());
                channel.map_or_else(
                    || format!("graph/{app}"),
                    |channel| format!("graph/{app}/{}", decoded(channel)),
                )
            }
            None => "none".into(),
        }
    }
}

/// A path segment with its percent escapes resolved.
pub(crate) fn decoded(segment: &str) -> String {
    // A form decoder also turns `+` into a blank, which in a path it is not.
    let guarded = format!("v={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(guarded.as_bytes())
        .next()
        .map_or_else(|| segment.to_owned(), |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_one_lane_however_it_is_written() {
        let raw = "/graph/v1.0/teams/t/channels/19:ab@thread.tacv2/messages";
        let escaped = "/graph/v1.0/teams/t/channels/19%3Aab%40thread.tacv2/messages";
        let lane = |path| Target::of(&Method::GET, path).lane("app", path, b"");
        assert_eq!(lane(raw), lane(escaped));
        assert_eq!(lane(raw), "graph/app/19:ab@thread.tacv2");
    }
}
