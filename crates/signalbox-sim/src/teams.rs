//! Teams, channels and their messages: what the Connector writes and Graph shows.
//!
//! Message ids are epoch milliseconds, unique within a channel only; a collision moves
//! on by one, as the clients of the real service observe.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::config::{ChannelSpec, TeamSpec};

/// A message of a channel: something done that cannot be taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    /// Number in order of arrival, from 1.
    pub seq: u64,
    /// Team id.
    pub team: Uuid,
    /// Channel id.
    pub channel: String,
    /// Channel display name.
    pub channel_name: String,
    /// Id of the message within its channel.
    pub message_id: String,
    /// The root message, if this is a reply in a thread.
    pub thread: Option<String>,
    /// When the message was committed.
    pub at: Timestamp,
    /// Text, if the message is one of text.
    pub text: Option<String>,
    /// Content of the first attachment, if there is one.
    pub card: Option<Value>,
}

/// A message as kept: the card as text, for there may be many.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) id: i64,
    pub(crate) thread: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) committed: Instant,
    pub(crate) text: Option<String>,
    pub(crate) card: Option<Attachment>,
}

/// The content of a message before it has an id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) thread: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) card: Option<Attachment>,
}

/// A card.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) content_type: String,
    /// JSON text.
    pub(crate) content: String,
}

/// A channel with its messages, oldest first.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) messages: Vec<Arc<Message>>,
}

/// A team.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) bot_installed: bool,
    pub(crate) channels: Vec<Channel>,
}

/// All teams.
#[derive(Debug)]
pub(crate) struct Teams {
    pub(crate) all: Vec<Team>,
    /// Channel id to its team and place, for posts are many.
    index: HashMap<String, (usize, usize)>,
    sent: u64,
}

impl Teams {
    /// The configured teams.
    pub(crate) fn new(specs: &[TeamSpec]) -> Self {
        let mut teams = Self {
            all: Vec::new(),
            index: HashMap::new(),
            sent: 0,
        };
        for spec in specs {
            let place = teams.add_team(spec.id, &spec.name, spec.bot_installed);
            for channel in &spec.channels {
                teams.add_channel(place, channel.clone());
            }
        }
        teams
    }

    fn add_team(&mut self, id: Uuid, name: &str, bot_installed: bool) -> usize {
        let name = name.to_owned();
        self.all.push(Team {
            id,
            name,
            bot_installed,
            channels: Vec::new(),
        });
        self.all.len() - 1
    }

    fn add_channel(&mut self, team: usize, channel: ChannelSpec) {
        let channels = &mut self.all[team].channels;
        self.index
            .insert(channel.id.clone(), (team, channels.len()));
        channels.push(Channel {
            id: channel.id,
            name: channel.name,
            messages: Vec::new(),
        });
    }

    /// Creates a channel, and its team if there is none of that name.
    pub(crate) fn create_channel(&mut self, team: &str, name: &str) -> ChannelSpec {
        let place = self
            .all
            .iter()
            .position(|known| known.name == team)
            .unwrap_or_else(|| {
                let spec = TeamSpec::named(team);
                self.add_team(spec.id, team, true)
            });
        let id = crate::config::channel_id(self.all[place].id, name);
        let channel = ChannelSpec {
            id,
            name: name.to_owned(),
        };
        if !self.index.contains_key(&channel.id) {
            self.add_channel(place, channel.clone());
        }
        channel
    }

    /// Installs the bot in the teams of this name, or removes it; says how many there are.
    pub(crate) fn set_bot_installed(&mut self, team: &str, installed: bool) -> usize {
        let named = self.all.iter_mut().filter(|known| known.name == team);
        named.map(|team| team.bot_installed = installed).count()
    }

    /// The channel of this id with its team.
    pub(crate) fn channel(&self, id: &str) -> Option<(&Team, &Channel)> {
        let (team, channel) = *self.index.get(id)?;
        let team = &self.all[team];
        Some((team, &team.channels[channel]))
    }

    /// Adds a message to a channel that exists and gives it its id.
    pub(crate) fn post(&mut self, channel: &str, draft: Draft, at: Timestamp) -> Option<i64> {
        let (team, place) = *self.index.get(channel)?;
        self.sent += 1;
        let seq = self.sent;
        let messages = &mut self.all[team].channels[place].messages;
        let next = messages.last().map_or(i64::MIN, |last| last.id + 1);
        let id = at.as_millisecond().max(next);
        let Draft { thread, text, card } = draft;
        let committed = Instant::now();
        messages.push(Arc::new(Message {
            seq,
            id,
            thread,
            at,
            committed,
            text,
            card,
        }));
        Some(id)
    }

    /// Messages sent in all.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// All messages with where they are, in order of arrival.
    pub(crate) fn messages(&self) -> Vec<Located> {
        let mut all: Vec<Located> = Vec::new();
        for team in &self.all {
            for channel in &team.channels {
                all.extend(channel.messages.iter().map(|message| Located {
                    team: team.id,
                    channel: ChannelSpec {
                        id: channel.id.clone(),
                        name: channel.name.clone(),
                    },
                    message: Arc::clone(message),
                }));
            }
        }
        all.sort_unstable_by_key(|located| located.message.seq);
        all
    }
}

/// A message with where it is.
#[derive(Debug)]
pub(crate) struct Located {
    team: Uuid,
    channel: ChannelSpec,
    message: Arc<Message>,
}

impl From<Located> for Effect {
    fn from(located: Located) -> Self {
        let Located {
            team,
            channel,
            message,
        } = located;
        let card = message.card.as_ref();
        Self {
            seq: message.seq,
            team,
            channel: channel.id,
            channel_name: channel.name,
            message_id: message.id.to_string(),
            thread: message.thread.clone(),
            at: message.at,
            text: message.text.clone(),
            card: card.and_then(|card| serde_json::from_str(&card.content).ok()),
        }
    }
}
