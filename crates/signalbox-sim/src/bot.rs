//! The Bot Connector: messages into channels, with its limits and its quirks.
//!
//! There is no idempotency key: a post that is sent again is a second message. An
//! activity with both a text and a card becomes two messages and no id comes back.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::card::Words;
use crate::clock;
use crate::config::SimConfig;
use crate::errors::{self, Refusal};
use crate::faults::RetryAfter;
use crate::lanes::Window;
use crate::state::{Call, Shared, World};
use crate::target::{Api, decoded};
use crate::teams::{Attachment, Draft};
use crate::verdict::Delivery;

/// Sends per conversation: requests and seconds. Source: rate-limit page of the Teams docs, 2026.
const CONVERSATION: [(usize, u64); 4] = [(7, 1), (8, 2), (60, 30), (1800, 3600)];
/// Requests per application and tenant.
const TENANT: [(usize, u64); 1] = [(50, 1)];
/// Largest message, in bytes of UTF-16.
const MAX_BYTES: usize = 100 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConversationRequest {
    channel_data: Option<ChannelData>,
    activity: Option<Activity>,
}

#[derive(Debug, Deserialize)]
struct ChannelData {
    channel: Option<ChannelRef>,
}

#[derive(Debug, Deserialize)]
struct ChannelRef {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Activity {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<ActivityAttachment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActivityAttachment {
    content_type: String,
    content: Box<RawValue>,
}

/// The channel a request is about: named in the path, or in the body of a new conversation.
pub(crate) fn channel_of(path: &str, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Target {
        channel_data: ChannelData,
    }
    let named = path
        .strip_prefix("/bot/v3/conversations/")
        .and_then(|rest| rest.split('/').next());
    match named {
        Some(conversation) => Some(split_thread(&decoded(conversation)).0.to_owned()),
        None => serde_json::from_slice::<Target>(body)
            .ok()?
            .channel_data
            .channel
            .map(|to| to.id),
    }
}

/// Channel and root message of a conversation id.
fn split_thread(conversation: &str) -> (&str, Option<&str>) {
    match conversation.split_once(";messageid=") {
        Some((channel, root)) => (channel, Some(root)),
        None => (conversation, None),
    }
}

/// `POST /bot/v3/conversations`: a new thread in a channel.
pub(crate) async fn create_conversation(
    State(shared): State<Arc<Shared>>,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Ok(request) = serde_json::from_slice::<ConversationRequest>(&body) else {
        return Err(bad("BadSyntax", "The conversation cannot be parsed."));
    };
    let channel = request.channel_data.and_then(|data| data.channel);
    let (Some(channel), Some(activity)) = (channel, request.activity) else {
        return Err(bad(
            "BadArgument",
            "A channel and an activity are required.",
        ));
    };
    let post = Post {
        channel: &channel.id,
        thread: None,
        activity: &activity,
        size: size(&body),
    };
    let Posted { first, only } = post.commit(&shared, &call, &headers)?;
    let mut answer = json!({ "id": format!("{};messageid={first}", channel.id) });
    if only {
        answer["activityId"] = Value::from(first.to_string());
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `POST /bot/v3/conversations/{id}/activities`: a new thread, or a reply in one.
pub(crate) async fn send_activity(
    State(shared): State<Arc<Shared>>,
    Path(conversation): Path<String>,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Ok(activity) = serde_json::from_slice::<Activity>(&body) else {
        return Err(bad("BadSyntax", "The activity cannot be parsed."));
    };
    let (channel, thread) = split_thread(&conversation);
    let thread = thread.map(str::to_owned);
    let post = Post {
        channel,
        thread,
        activity: &activity,
        size: size(&body),
    };
    let Posted { first, only } = post.commit(&shared, &call, &headers)?;
    let answer = if only {
        json!({ "id": first.to_string() })
    } else {
        json!({})
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Size as the Connector counts it.
fn size(body: &[u8]) -> usize {
    String::from_utf8_lossy(body).encode_utf16().count() * 2
}

fn bad(code: &str, message: &str) -> Refusal {
    errors::error(Api::Bot, StatusCode::BAD_REQUEST, code, message)
}

struct Post<'a> {
    channel: &'a str,
    thread: Option<String>,
    activity: &'a Activity,
    size: usize,
}

struct Posted {
    first: i64,
    /// Whether the activity became one message, whose id is then told.
    only: bool,
}

impl Post<'_> {
    /// Checks and commits the message under one lock.
    fn commit(self, shared: &Shared, call: &Call, headers: &HeaderMap) -> Result<Posted, Refusal> {
        let words = self.words();
        let mut guard = shared.world();
        let world = &mut *guard;
        self.check(world, headers)?;
        let tenant = format!("bot/{}", call.app);
        if shared.config.limits {
            admit(world, &shared.config, (&tenant, &call.lane), call.arrived)?;
        }
        let at = clock::now();
        let card = Delivery {
            words: &words,
            arrived: call.arrived,
            at,
        };
        let lanes = &world.lanes;
        world.oracle.card(&card, |from, to| {
            lanes.waited(&[&tenant, &call.lane], from, to)
        });
        let mut ids = Vec::new();
        for draft in self.drafts() {
            ids.extend(world.teams.post(self.channel, draft, at));
        }
        match ids.first() {
            Some(first) => Ok(Posted {
                first: *first,
                only: ids.len() == 1,
            }),
            None => Err(bad("BadArgument", "The activity has no content.")),
        }
    }

    fn check(&self, world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
        let refuse = |status, code, message| Err(errors::error(Api::Bot, status, code, message));
        if !world.entra.admits(headers, Api::Bot) {
            return Err(errors::unauthorized(Api::Bot));
        }
        if self.activity.kind != "message" {
            return refuse(
                StatusCode::BAD_REQUEST,
                "BadArgument",
                "Unknown activity type.",
            );
        }
        if self.size > MAX_BYTES {
            return refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "MessageSizeTooBig",
                "Message size too large.",
            );
        }
        match world.teams.channel(self.channel) {
            None => refuse(
                StatusCode::NOT_FOUND,
                "ConversationNotFound",
                "Conversation not found.",
            ),
            Some((team, _)) if !team.bot_installed => refuse(
                StatusCode::FORBIDDEN,
                "BotNotInConversationRoster",
                "The bot is not part of the conversation roster.",
            ),
            Some(_) => Ok(()),
        }
    }

    /// What a reader sees; read before the lock is taken.
    fn words(&self) -> Words {
        let contents = self.activity.attachments.iter();
        let parsed: Vec<Value> = contents
            .filter_map(|attachment| serde_json::from_str(attachment.content.get()).ok())
            .collect();
        Words::of(&json!([{ "text": self.activity.text }, parsed]))
    }

    /// The messages that the activity becomes.
    fn drafts(&self) -> Vec<Draft> {
        let thread = || self.thread.clone();
        let text = self.activity.text.clone().filter(|text| !text.is_empty());
        let text = text.map(|text| Draft {
            thread: thread(),
            text: Some(text),
            card: None,
        });
        let card = self
            .activity
            .attachments
            .first()
            .map(|attachment| Attachment {
                content_type: attachment.content_type.clone(),
                content: attachment.content.get().to_owned(),
            });
        let card = card.map(|card| Draft {
            thread: thread(),
            text: None,
            card: Some(card),
        });
        text.into_iter().chain(card).collect()
    }
}

fn admit(
    world: &mut World,
    config: &SimConfig,
    (tenant, conversation): (&str, &str),
    now: std::time::Instant,
) -> Result<(), Refusal> {
    let scaled = |(requests, secs): (usize, u64)| Window {
        requests,
        span: config.scaled(Duration::from_secs(secs)),
    };
    let (per_tenant, per_conversation) = (TENANT.map(scaled), CONVERSATION.map(scaled));
    let chain: [(&str, &[Window]); 2] = [(tenant, &per_tenant), (conversation, &per_conversation)];
    world.lanes.admit(&chain, now).map_err(|wait| {
        let secs = SimConfig::retry_after(wait);
        world.limit_violations += 1;
        world.lanes.close(
            conversation,
            std::time::Instant::now(),
            Duration::from_secs(secs),
        );
        errors::throttled(Api::Bot, RetryAfter::Secs(secs))
    })
}
