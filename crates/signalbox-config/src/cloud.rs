//! The Microsoft clouds: which base URLs and token audiences belong together.
//!
//! Source: facts, Graph and Teams §7 "Clouds", and Business Central §1. Where a cloud's address is not documented,
//! there is none here, and the connection must name it.

use serde::Deserialize;

use crate::BaseUrl;

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// The worldwide cloud; also GCC, apart from its Bot Connector address.
    Global,
    /// US Government, GCC High.
    UsGov,
    /// US Government, Department of Defense.
    Dod,
    /// China, run by 21Vianet.
    China,
}

/// The addresses and audiences of one cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The sign-in service.
    pub authority: BaseUrl,
    /// Microsoft Graph, without its version.
    pub graph: BaseUrl,
    /// The Bot Connector that is used until a conversation names its own. Not documented for every cloud.
    pub bot_service: Option<BaseUrl>,
    /// The Business Central API, without version, tenant and environment.
    pub business_central_api: BaseUrl,
    /// The Business Central web client.
    pub business_central_web: BaseUrl,
    /// The OAuth scope of tokens for Microsoft Graph.
    pub graph_scope: &'static str,
    /// The OAuth scope of tokens for the Bot Connector.
    pub bot_scope: &'static str,
    /// The OAuth scope of tokens for the Business Central API.
    pub business_central_scope: &'static str,
}

impl Cloud {
    /// The addresses and audiences of this cloud.
    pub fn endpoints(self) -> Endpoints {
        let (authority, graph, graph_scope) = self.sign_in_and_graph();
        let bot_service = match self {
            Self::Global => Some("https://smba.trafficmanager.net/teams"),
            Self::UsGov => Some("https://smba.infra.gov.teams.microsoft.us/gcch"),
            Self::Dod | Self::China => None,
        };
        let bot_scope = match self {
            Self::Global => "https://api.botframework.com/.default",
            Self::UsGov | Self::Dod => "https://api.botframework.us/.default",
            Self::China => "https://api.botframework.azure.cn/.default",
        };
        Endpoints {
            authority: known(authority),
            graph: known(graph),
            bot_service: bot_service.map(known),
            business_central_api: known("https://api.businesscentral.dynamics.com"),
            business_central_web: known("https://businesscentral.dynamics.com"),
            graph_scope,
            bot_scope,
            business_central_scope: "https://api.businesscentral.dynamics.com/.default",
        }
    }

    fn sign_in_and_graph(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Global => (
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com",
                "https://graph.microsoft.com/.default",
            ),
            Self::UsGov => (
                "https://login.microsoftonline.us",
                "https://graph.microsoft.us",
                "https://graph.microsoft.us/.default",
            ),
            Self::Dod => (
                "https://login.microsoftonline.us",
                "https://dod-graph.microsoft.us",
                "https://dod-graph.microsoft.us/.default",
            ),
            Self::China => (
                "https://login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "https://microsoftgraph.chinacloudapi.cn/.default",
            ),
        }
    }
}

fn known(text: &str) -> BaseUrl {
    BaseUrl::try_from(text.to_owned()).expect("the addresses in this file are well formed")
}

#[cfg(test)]
mod tests {
    use super::Cloud;

    #[test]
    fn every_cloud_has_well_formed_addresses() {
        for cloud in [Cloud::Global, Cloud::UsGov, Cloud::Dod, Cloud::China] {
            let endpoints = cloud.endpoints();
            assert!(endpoints.graph_scope.starts_with(endpoints.graph.as_str()));
        }
    }
}
