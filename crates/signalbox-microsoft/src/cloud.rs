//! The four Microsoft clouds as presets of base URLs. Every one of them can be overridden by a setting.
//!
//! Source: facts, Graph and Teams §7, "Clouds". What no source gives is `None` and must be configured.

use std::str::FromStr;

use url::Url;

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    #[default]
    Global,
    /// US Government, GCC High.
    UsGov,
    /// US Government, Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
}

/// The base URLs and scopes of a cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudHosts {
    /// Where tokens come from.
    pub authority: Url,
    /// Microsoft Graph, with its version.
    pub graph: Url,
    /// The scope of Graph's tokens.
    pub graph_scope: String,
    /// The scope of the Bot Connector's tokens.
    pub bot_scope: String,
    /// The Bot Connector's service URL when no incoming activity has told a better one.
    pub connector: Option<Url>,
    /// Business Central's API, up to and with the first `v2.0`.
    pub business_central: Option<Url>,
    /// The scope of Business Central's tokens.
    pub business_central_scope: Option<String>,
    /// Business Central's web client, for links.
    pub business_central_client: Option<Url>,
}

/// No cloud has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no cloud `{0}`; use `global`, `usgov`, `dod` or `china`")]
pub struct UnknownCloud(String);

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(name: &str) -> Result<Self, UnknownCloud> {
        Ok(match name {
            "global" => Self::Global,
            "usgov" => Self::UsGov,
            "dod" => Self::Dod,
            "china" => Self::China,
            _ => return Err(UnknownCloud(name.to_owned())),
        })
    }
}

impl Cloud {
    /// The presets of this cloud.
    pub fn hosts(self) -> CloudHosts {
        let (authority, graph, bot, connector) = match self {
            Self::Global => (
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com",
                "https://api.botframework.com",
                Some("https://smba.trafficmanager.net/teams"),
            ),
            Self::UsGov => (
                "https://login.microsoftonline.us",
                "https://graph.microsoft.us",
                "https://api.botframework.us",
                Some("https://smba.infra.gov.teams.microsoft.us/gcch"),
            ),
            Self::Dod => (
                "https://login.microsoftonline.us",
                "https://dod-graph.microsoft.us",
                "https://api.botframework.us",
                None,
            ),
            Self::China => (
                "https://login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "https://api.botframework.azure.cn",
                None,
            ),
        };
        let is_global = self == Self::Global;
        let business_central = "https://api.businesscentral.dynamics.com";
        CloudHosts {
            authority: preset(authority),
            graph: preset(&format!("{graph}/v1.0")),
            graph_scope: format!("{graph}/.default"),
            bot_scope: format!("{bot}/.default"),
            connector: connector.map(preset),
            business_central: is_global.then(|| preset(&format!("{business_central}/v2.0"))),
            business_central_scope: is_global.then(|| format!("{business_central}/.default")),
            business_central_client: is_global
                .then(|| preset("https://businesscentral.dynamics.com")),
        }
    }
}

fn preset(url: &str) -> Url {
    url.parse()
        .expect("presets are URLs, and a test makes each")
}

#[cfg(test)]
mod tests {
    use super::Cloud;

    #[test]
    fn every_cloud_has_its_presets_and_an_unknown_one_is_refused_with_the_names() {
        for name in ["global", "usgov", "dod", "china"] {
            let hosts = name.parse::<Cloud>().unwrap().hosts();
            let graph = hosts.graph.host_str().unwrap().to_owned();
            assert_eq!(hosts.graph_scope, format!("https://{graph}/.default"));
        }
        let unknown = "mars".parse::<Cloud>().unwrap_err();
        assert!(unknown.to_string().contains("usgov"));
    }
}
