//! Posts cards through the Bot Connector, as a new thread of a channel (facts, Graph and Teams §1b).
//!
//! The Connector has no idempotency key: whether an interrupted post exists is found out by [`crate::look_back`].

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Target;
use crate::{
    entra::TokenSource,
    http::{
        Sender,
        errand::Errand,
        error::Error,
        exchange::{Defect, Exchange},
    },
    service::{Service, join},
};

/// The longest answer of the Connector that is read, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// The largest card unless the options say otherwise, in bytes.
const MAX_CARD_BYTES: usize = 24 << 10;

/// Who the bot is and where it posts.
#[derive(Debug, Clone)]
pub struct BotOptions {
    /// The Connector's service URL, for example `https://smba.trafficmanager.net/teams`.
    pub service_url: Url,
    /// The scope of its tokens, for example `https://api.botframework.com/.default`.
    pub scope: String,
    /// The tenant that the teams are in.
    pub tenant: String,
    /// The bot's app id.
    pub app_id: String,
    /// The largest card that is sent, in bytes of its JSON. Teams refuses messages over about 100 KB.
    pub max_card_bytes: usize,
}

impl BotOptions {
    /// Options with the default size of cards, 24 KiB.
    pub fn new(service_url: Url, scope: String, tenant: String, app_id: String) -> Self {
        Self {
            service_url,
            scope,
            tenant,
            app_id,
            max_card_bytes: MAX_CARD_BYTES,
        }
    }
}

/// What proves a post, and names it for replies and changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The thread, for example `19:…@thread.tacv2;messageid=1680000000000`.
    pub conversation_id: String,
    /// The message.
    pub activity_id: String,
}

/// A bot.
#[derive(Debug, Clone)]
pub struct Bot {
    service: Service,
    options: BotOptions,
}

#[derive(Deserialize)]
struct Created {
    id: Option<String>,
    #[serde(rename = "activityId")]
    activity_id: Option<String>,
}

impl Bot {
    /// A bot that asks with the tokens of `tokens`.
    pub fn new(options: BotOptions, sender: Sender, tokens: Arc<TokenSource>) -> Self {
        let scope = options.scope.clone();
        let service = Service {
            sender,
            tokens,
            scope,
        };
        Self { service, options }
    }

    /// Posts `card` as a new thread; `summary` is what the notification feed shows.
    pub async fn post_card(
        &self,
        target: &Target,
        card: &Value,
        summary: &str,
        errand: Errand<'_>,
    ) -> Result<Receipt, Error> {
        check_size(card, self.options.max_card_bytes)?;
        let url = join(&self.options.service_url, ["v3", "conversations"]);
        let body = conversation(&self.options, target, card, summary);
        let mut call = self.service.call(Method::POST, url, errand).json(&body);
        call.answer_limit = ANSWER_LIMIT;
        let answer = self.service.send(call).await?;
        let exchange = answer.exchange.clone();
        receipt(answer.json()?, exchange)
    }
}

/// Refuses a card that is larger than `limit` bytes as JSON.
fn check_size(card: &Value, limit: usize) -> Result<(), Error> {
    let bytes = card.to_string().len();
    if bytes > limit {
        return Err(Error::CardTooLarge { bytes, limit });
    }
    Ok(())
}

/// There is no `text` beside the card: Teams would split the two and give no message id.
fn conversation(options: &BotOptions, target: &Target, card: &Value, summary: &str) -> Value {
    json!({
        "isGroup": true,
        "tenantId": options.tenant,
        "bot": { "id": format!("28:{}", options.app_id) },
        // Without the channel the post would land as a direct message.
        "channelData": {
            "channel": { "id": target.channel_id },
            "tenant": { "id": options.tenant },
        },
        "activity": {
            "type": "message",
            "summary": summary,
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": card,
            }],
        },
    })
}

fn receipt(created: Created, exchange: Exchange) -> Result<Receipt, Error> {
    let Some(conversation_id) = created.id else {
        return Err(Error::garbled(exchange, Defect::Missing("id")));
    };
    let in_thread = conversation_id.split_once(";messageid=");
    let activity_id = created
        .activity_id
        .or_else(|| in_thread.map(|(_, message)| message.to_owned()));
    match activity_id {
        Some(activity_id) => Ok(Receipt {
            conversation_id,
            activity_id,
        }),
        None => Err(Error::garbled(exchange, Defect::Missing("activityId"))),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;
    use uuid::Uuid;

    use super::{BotOptions, Created, Receipt, check_size, conversation, receipt};
    use crate::{
        http::{error::Error, exchange::Exchange},
        teams::Target,
    };

    fn exchange() -> Exchange {
        Exchange {
            method: Method::POST,
            host: "host".to_owned(),
            path: "/v3/conversations".to_owned(),
            status: Some(201),
            code: None,
            message: None,
            request_id: Uuid::nil(),
            upstream_request_id: None,
        }
    }

    fn created(id: Option<&str>, activity_id: Option<&str>) -> Result<Receipt, Error> {
        let created = Created {
            id: id.map(str::to_owned),
            activity_id: activity_id.map(str::to_owned),
        };
        receipt(created, exchange())
    }

    #[test]
    fn a_card_over_the_limit_is_refused_before_it_is_sent() {
        let card = json!({"text": "ä".repeat(50)});
        let bytes = card.to_string().len();
        assert!(check_size(&card, bytes).is_ok());
        let error = check_size(&card, bytes - 1).unwrap_err();
        assert!(error.proves_nothing_was_done() && !error.is_transient());
        assert!(error.to_string().contains(&bytes.to_string()));
    }

    #[test]
    fn a_post_carries_the_card_and_the_summary_and_no_text() {
        let options = BotOptions::new(
            "https://smba.example.com/teams".parse().unwrap(),
            "scope".to_owned(),
            "tenant".to_owned(),
            "app".to_owned(),
        );
        let target = Target {
            team_id: "team".to_owned(),
            channel_id: "19:x@thread.tacv2".to_owned(),
        };
        let body = conversation(&options, &target, &json!({"type": "AdaptiveCard"}), "PO-1");
        assert_eq!(body["channelData"]["channel"]["id"], "19:x@thread.tacv2");
        assert_eq!(body["bot"]["id"], "28:app");
        assert_eq!(body["activity"]["summary"], "PO-1");
        assert_eq!(body["activity"].get("text"), None);
    }

    #[test]
    fn a_receipt_names_thread_and_message() {
        let thread = "19:x@thread.tacv2;messageid=1680";
        assert_eq!(
            created(Some(thread), Some("1680")).unwrap().activity_id,
            "1680"
        );
        assert_eq!(created(Some(thread), None).unwrap().activity_id, "1680");
    }

    #[test]
    fn an_answer_without_ids_leaves_it_open_whether_the_post_exists() {
        for answer in [created(None, None), created(Some("19:x"), None)] {
            assert!(!answer.unwrap_err().proves_nothing_was_done());
        }
    }
}
