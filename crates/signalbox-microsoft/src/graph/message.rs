//! Posts of a channel, reduced to what a look-back needs.

use jiff::Timestamp;
use serde_json::Value;
use signalbox_core::Record;

use crate::{
    http::{errand::Errand, error::Error},
    odata::pages::Pages,
};

/// A post of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it was posted; `None` if Graph does not say.
    pub created_at: Option<Timestamp>,
    /// The client id of the app that posted it.
    pub app_id: Option<String>,
    /// Its cards, as the JSON text that Graph gives.
    pub cards: Vec<String>,
}

/// The posts of a channel, page by page.
#[derive(Debug)]
pub struct Messages {
    pages: Pages,
}

impl Messages {
    pub(super) fn new(pages: Pages) -> Self {
        Self { pages }
    }

    /// The next page, or `None` after the last.
    ///
    /// Posts come by their newest activity, a reply included: an old one may stand before a new one.
    pub async fn next(&mut self, errand: Errand<'_>) -> Result<Option<Vec<Message>>, Error> {
        let page = self.pages.next(errand).await?;
        Ok(page.map(|records| records.iter().map(message).collect()))
    }
}

fn message(record: &Record) -> Message {
    let attachments = record.get("attachments").and_then(Value::as_array);
    let app_id = record
        .get("from")
        .and_then(|from| from.pointer("/application/id"));
    Message {
        created_at: record
            .get("createdDateTime")
            .and_then(|at| at.as_str()?.parse().ok()),
        app_id: app_id.and_then(Value::as_str).map(str::to_owned),
        cards: attachments
            .into_iter()
            .flatten()
            .filter_map(|attachment| content(attachment.get("content")?))
            .collect(),
    }
}

/// Graph gives the card as text; an object is taken too, in case that changes.
fn content(content: &Value) -> Option<String> {
    match content {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::message;

    #[test]
    fn a_post_is_reduced_to_time_app_and_cards() {
        let post = json!({"createdDateTime": "2026-03-02T10:00:00.5Z",
            "from": {"application": {"id": "app"}, "user": null},
            "attachments": [{"content": "{\"type\":\"AdaptiveCard\"}"}, {"content": null}, {}]});
        let message = message(post.as_object().unwrap());
        assert_eq!(message.created_at, "2026-03-02T10:00:00.5Z".parse().ok());
        assert_eq!(message.app_id.as_deref(), Some("app"));
        assert_eq!(message.cards, ["{\"type\":\"AdaptiveCard\"}"]);
    }

    #[test]
    fn a_system_message_is_read_as_a_post_of_nobody() {
        let message = message(json!({"from": null}).as_object().unwrap());
        assert_eq!(message.app_id, None);
        assert!(message.cards.is_empty());
    }
}
