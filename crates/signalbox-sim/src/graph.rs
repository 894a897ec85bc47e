//! Microsoft Graph: finding teams and channels, and looking back for messages.
//!
//! Messages show up only after the visibility delay, newest first, at most fifty a page
//! and without `$filter`. An application cannot post here, whatever its roles.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::SimConfig;
use crate::errors::{self, Refusal};
use crate::faults::RetryAfter;
use crate::lanes::Window;
use crate::state::{Call, Shared};
use crate::target::Api;
use crate::teams::Message;

/// Page size when none is asked for, and the largest one.
const PAGE: (usize, usize) = (20, 50);

/// The options of a query, decoded.
pub(crate) fn query_options(query: Option<&str>) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

fn bad(message: &str) -> Refusal {
    errors::error(Api::Graph, StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn not_found(message: &str) -> Refusal {
    errors::error(Api::Graph, StatusCode::NOT_FOUND, "NotFound", message)
}

/// The name asked for by `$filter=displayName eq '…'`; other filters are refused.
fn wanted_name(options: &HashMap<String, String>) -> Result<Option<String>, Refusal> {
    let Some(filter) = options.get("$filter") else {
        return Ok(None);
    };
    let literal = filter.trim().strip_prefix("displayName eq '");
    let literal = literal.and_then(|rest| rest.strip_suffix('\''));
    literal
        .map(|name| Some(name.replace("''", "'")))
        .ok_or_else(|| bad("Invalid filter clause."))
}

/// `GET /graph/v1.0/teams`.
pub(crate) async fn teams(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name = wanted_name(&query_options(query.as_deref()))?;
    let world = shared.world();
    if !world.entra.admits(&headers, Api::Graph) {
        return Err(errors::unauthorized(Api::Graph));
    }
    let teams = world
        .teams
        .all
        .iter()
        .filter(|team| name.as_ref().is_none_or(|name| *name == team.name));
    let value: Vec<Value> = teams
        .map(|team| json!({ "id": team.id, "displayName": team.name, "description": null }))
        .collect();
    let answer = json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#teams",
        "@odata.count": value.len(), "value": value });
    Ok(Json(answer).into_response())
}

/// `GET /graph/v1.0/teams/{id}/channels`.
pub(crate) async fn channels(
    State(shared): State<Arc<Shared>>,
    Path(team): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name = wanted_name(&query_options(query.as_deref()))?;
    let world = shared.world();
    if !world.entra.admits(&headers, Api::Graph) {
        return Err(errors::unauthorized(Api::Graph));
    }
    let Some(team) = world
        .teams
        .all
        .iter()
        .find(|known| known.id.to_string() == team)
    else {
        return Err(not_found("No team found with Group id."));
    };
    let channels = team.channels.iter();
    let channels =
        channels.filter(|channel| name.as_ref().is_none_or(|name| *name == channel.name));
    let value: Vec<Value> = channels
        .map(|channel| {
            json!({ "id": channel.id, "displayName": channel.name, "description": null,
                "membershipType": "standard" })
        })
        .collect();
    Ok(Json(json!({ "@odata.count": value.len(), "value": value })).into_response())
}

/// `GET /graph/v1.0/teams/{id}/channels/{id}/messages`.
pub(crate) async fn messages(
    State(shared): State<Arc<Shared>>,
    Path((team, channel)): Path<(String, String)>,
    Extension(call): Extension<Call>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let options = query_options(query.as_deref());
    if options.contains_key("$filter") {
        return Err(bad("Query option 'Filter' is not allowed."));
    }
    let top = match options.get("$top").map(|top| top.parse::<usize>()) {
        None => PAGE.0,
        Some(Ok(top)) if (1..=PAGE.1).contains(&top) => top,
        Some(_) => return Err(bad("The limit of '50' for Top query has been exceeded.")),
    };
    let before = options
        .get("$skiptoken")
        .and_then(|token| token.parse::<i64>().ok());
    let page = visible(&shared, &call, &headers, (&channel, before, top))?;
    let value: Vec<Value> = page
        .iter()
        .take(top)
        .map(|message| chat_message(message, &shared.config, (&team, &channel)))
        .collect();
    let mut answer = json!({ "@odata.count": value.len(), "value": value });
    if page.len() > top {
        let host = headers
            .get("host")
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        answer["@odata.nextLink"] = Value::from(format!(
            "http://{host}/graph/v1.0/teams/{team}/channels/{}/messages?$top={top}&$skiptoken={}",
            channel.replace(':', "%3A").replace('@', "%40"),
            page[top - 1].id
        ));
    }
    Ok(Json(answer).into_response())
}

/// The visible root messages older than `before`, newest first, one more than a page.
fn visible(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    (channel, before, top): (&str, Option<i64>, usize),
) -> Result<Vec<Arc<Message>>, Refusal> {
    let mut world = shared.world();
    if !world.entra.admits(headers, Api::Graph) {
        return Err(errors::unauthorized(Api::Graph));
    }
    if shared.config.limits {
        let windows = [Window {
            requests: 1,
            span: shared.config.scaled(Duration::from_secs(1)),
        }];
        if let Err(wait) = world.lanes.admit(&[(&call.lane, &windows)], call.arrived) {
            world.limit_violations += 1;
            // All calls made while throttled still count, says the throttling page.
            world
                .lanes
                .count_refused(&call.lane, &windows, call.arrived);
            let secs = SimConfig::retry_after(wait);
            world
                .lanes
                .close(&call.lane, Instant::now(), Duration::from_secs(secs));
            return Err(errors::throttled(Api::Graph, RetryAfter::Secs(secs)));
        }
    }
    let Some((_, channel)) = world.teams.channel(channel) else {
        return Err(not_found("Channel not found."));
    };
    let delay = shared.config.scaled(shared.config.visibility_delay);
    let now = Instant::now();
    let messages = channel.messages.iter().rev();
    let shown = messages.filter(|message| {
        let old_enough = now.saturating_duration_since(message.committed) >= delay;
        old_enough && message.thread.is_none() && before.is_none_or(|before| message.id < before)
    });
    Ok(shown.take(top + 1).cloned().collect())
}

fn chat_message(message: &Message, config: &SimConfig, (team, channel): (&str, &str)) -> Value {
    let attachment = message.card.as_ref().map(|card| {
        // The Connector's attachments have no id of the sender's choosing.
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, message.seq.to_be_bytes().as_slice());
        let tag = format!("<attachment id=\"{}\"></attachment>", id.simple());
        let attachment = json!({ "id": id.simple().to_string(), "contentType": card.content_type,
            "contentUrl": null, "content": card.content, "name": null, "thumbnailUrl": null });
        (tag, attachment)
    });
    let (content, attachments) = match attachment {
        Some((tag, attachment)) => (tag, vec![attachment]),
        None => (message.text.clone().unwrap_or_default(), Vec::new()),
    };
    json!({
        "id": message.id.to_string(), "replyToId": null, "etag": message.id.to_string(),
        "messageType": "message", "createdDateTime": message.at.to_string(),
        "lastModifiedDateTime": message.at.to_string(), "deletedDateTime": null,
        "subject": null, "summary": null, "importance": "normal",
        "from": { "user": null, "device": null, "application": {
            "id": config.bot_app_id, "displayName": "Signalbox", "applicationIdentityType": "bot" } },
        "body": { "contentType": "html", "content": content },
        "channelIdentity": { "teamId": team, "channelId": channel },
        "attachments": attachments, "mentions": [], "reactions": [],
    })
}

/// `POST /graph/v1.0/teams/{id}/channels/{id}/messages`: never with a token without a user.
pub(crate) async fn post_message(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Refusal {
    if !shared.world().entra.admits(&headers, Api::Graph) {
        return errors::unauthorized(Api::Graph);
    }
    errors::error(
        Api::Graph,
        StatusCode::FORBIDDEN,
        "Forbidden",
        "Missing role permissions on the request. API requires one of 'Teamwork.Migrate.All'. \
         Roles on the request 'Team.ReadBasic.All, Channel.ReadBasic.All, ChannelMessage.Read.All'.",
    )
}
