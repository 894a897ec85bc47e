//! The part of Microsoft Graph that finds teams, channels and what was posted in them.
//!
//! Source: facts, Graph and Teams §2 and §6. It needs the application permissions `Team.ReadBasic.All`,
//! `Channel.ReadBasic.All` and, for messages, `ChannelMessage.Read.All`.

pub(crate) mod message;

use std::sync::Arc;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use self::message::Messages;
use crate::{
    entra::TokenSource,
    http::{Sender, errand::Errand, error::Error},
    odata::{
        Intent,
        pages::Pages,
        query::{literal, with_query},
    },
    service::{Service, join},
};

/// Where Graph is.
#[derive(Debug, Clone)]
pub struct GraphOptions {
    /// Its base URL with the version, for example `https://graph.microsoft.com/v1.0`.
    pub base: Url,
    /// The scope of its tokens, for example `https://graph.microsoft.com/.default`.
    pub scope: String,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Its id.
    pub id: String,
    /// Its name, which others may have too.
    pub display_name: String,
}

/// A channel of a team.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Its id, for example `19:…@thread.tacv2`; Graph and the Bot Connector share it.
    pub id: String,
    /// Its name.
    pub display_name: String,
}

/// The Graph client.
#[derive(Debug, Clone)]
pub struct Graph {
    service: Service,
    base: Url,
}

impl Graph {
    /// A client that asks with the tokens of `tokens`.
    pub fn new(options: GraphOptions, sender: Sender, tokens: Arc<TokenSource>) -> Self {
        let scope = options.scope;
        let service = Service {
            sender,
            tokens,
            scope,
        };
        let base = options.base;
        Self { service, base }
    }

    /// The teams with exactly this name, which need not be one.
    pub async fn teams_by_name(&self, name: &str, errand: Errand<'_>) -> Result<Vec<Team>, Error> {
        let filter = format!("displayName eq {}", literal(name));
        let options = [("$filter", filter.as_str()), ("$select", "id,displayName")];
        let url = with_query(join(&self.base, ["teams"]), &options);
        self.list(url, errand).await
    }

    /// The first teams of the tenant, to show what exists.
    pub async fn some_teams(&self, count: u8, errand: Errand<'_>) -> Result<Vec<Team>, Error> {
        let count = count.to_string();
        let options = [("$top", count.as_str()), ("$select", "id,displayName")];
        let url = with_query(join(&self.base, ["teams"]), &options);
        let mut pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        Ok(read(pages.next(errand).await?.unwrap_or_default()))
    }

    /// The channels of a team.
    pub async fn channels(&self, team: &str, errand: Errand<'_>) -> Result<Vec<Channel>, Error> {
        let url = join(&self.base, ["teams", team, "channels"]);
        let url = with_query(url, &[("$select", "id,displayName")]);
        self.list(url, errand).await
    }

    /// The posts of a channel, the one with the newest activity first, `page_size` (at most 50) at a time.
    pub fn channel_messages(&self, team: &str, channel: &str, page_size: u8) -> Messages {
        let segments = ["teams", team, "channels", channel, "messages"];
        let size = page_size.to_string();
        let url = with_query(join(&self.base, segments), &[("$top", size.as_str())]);
        let pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        Messages::new(pages)
    }

    async fn list<T: DeserializeOwned>(
        &self,
        url: Url,
        errand: Errand<'_>,
    ) -> Result<Vec<T>, Error> {
        let pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        Ok(read(pages.all(errand).await?))
    }
}

/// What can be read of `records`; a thing without id or name is nothing that we could use.
fn read<T: DeserializeOwned>(records: Vec<signalbox_core::Record>) -> Vec<T> {
    let values = records.into_iter().map(Value::Object);
    values
        .filter_map(|value| serde_json::from_value(value).ok())
        .collect()
}
