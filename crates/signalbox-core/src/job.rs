//! What a job carries: ids and facts, never credentials, and a record only as the mapped fields of its card.
//!
//! Every job carries its queue, which is its kind and layout version, so that releases can mix.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{ConnectionName, EffectKey, QueueName, RouteName, document_scope};

/// The fields of a record under the names that the source gives them. Numbers keep their literal text.
pub type Record = serde_json::Map<String, serde_json::Value>;

/// A payload that can be enqueued. The wire name and the version of a layout are frozen once released.
pub trait Payload: Serialize + DeserializeOwned + Send + 'static {
    /// The queue that holds jobs of this kind and layout.
    const QUEUE: QueueName;
}

/// That a read was asked for by a person, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// What tells this replay from every other; part of the ids of all jobs that come of it.
    pub nonce: String,
    /// Announces even what was announced before.
    #[serde(default)]
    pub again: bool,
    /// Announces for this route only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteName>,
}

/// One company of one environment: document numbers are unique in it and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CompanyAddress {
    /// The connection.
    pub connection: ConnectionName,
    /// The environment's name.
    pub environment: String,
    /// The company's id.
    pub company: Uuid,
}

impl CompanyAddress {
    /// What its document numbers are unique in, as effect keys and the trail write it.
    pub fn scope(&self) -> String {
        document_scope(&self.environment, self.company)
    }
}

/// Read one record and announce what the routes say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The connection that the record is read with.
    pub connection: ConnectionName,
    /// The environment. Jobs of older releases name none, and mean the connection's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The company's id.
    pub company: Uuid,
    /// The entity set.
    pub set: String,
    /// The record's key.
    pub record: String,
    /// When the source says that the record changed.
    pub changed_at: Timestamp,
    /// True when the news was that the record is gone.
    pub deleted: bool,
    /// What a person asked for. An older release reads the record and announces what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

impl Payload for Read {
    const QUEUE: QueueName = QueueName::new("read", 1);
}

impl Read {
    /// What it may be read together with, within its lane: the lane is one environment's, and others of a connection
    /// may share it.
    pub fn batch(&self) -> String {
        format!("{}/{}/{}", self.connection, self.company, self.set)
    }
}

/// Where a post goes, by the names that people use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// The team's display name.
    pub team: String,
    /// The channel's display name.
    pub channel: String,
}

/// Somebody whom a card mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The role in which they are mentioned, as the configuration calls it; `address` for one that it names itself.
    pub role: String,
    /// The name, for people. Empty if nobody knows it.
    #[serde(default)]
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// Announce one document once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// The route that asked for it.
    pub route: RouteName,
    /// The connection that the card is posted with.
    pub connection: ConnectionName,
    /// Where it goes.
    pub to: Addressee,
    /// The card template's name.
    pub card: String,
    /// Where the document's number is unique. Empty in jobs of older releases.
    #[serde(default)]
    pub scope: String,
    /// The document's number, for people.
    pub document: String,
    /// What the ledger knows this announcement by.
    pub effect: EffectKey,
    /// The mapped fields of the card, at most 16 KiB as JSON.
    pub fields: Record,
    /// Whom the card mentions. Older releases mention nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
}

impl Payload for Post {
    const QUEUE: QueueName = QueueName::new("post", 1);
}

/// Keep one environment followed: find its companies, plant what looks at them, and keep its subscriptions alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// The connection.
    pub connection: ConnectionName,
    /// The environment's name.
    pub environment: String,
}

impl Payload for Renew {
    const QUEUE: QueueName = QueueName::new("renew", 2);
}

/// What older releases enqueue per entity set; [`Renew`] does its work now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewOfSet {
    /// The connection that is subscribed.
    pub connection: ConnectionName,
    /// The entity set.
    pub set: String,
}

impl Payload for RenewOfSet {
    const QUEUE: QueueName = QueueName::new("renew", 1);
}

/// Why a whole set is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUpPurpose {
    /// Announce what was missed since the instant; the whole set if there is none.
    Missed {
        /// Records changed after this instant are looked at.
        since: Option<Timestamp>,
    },
    /// Enter what exists as already known to the routes that begin, and announce nothing.
    Baseline,
    /// Announce what changed since the poll before this one, again and again for as long as a route listens.
    Poll,
    /// Compare the ids that exist with those of the time before, night after night for as long as a route listens.
    Sweep,
}

/// Look at everything that changed in a set of one company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUp {
    /// Where the set is.
    #[serde(flatten)]
    pub company: CompanyAddress,
    /// The entity set.
    pub set: String,
    /// Why.
    pub purpose: CatchUpPurpose,
}

impl Payload for CatchUp {
    const QUEUE: QueueName = QueueName::new("catch_up", 2);
}

/// What older releases enqueue: it names no environment, and perhaps no company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUpOfSet {
    /// The connection that the set is read with.
    pub connection: ConnectionName,
    /// The company's id; the connection's own company if it was not known yet.
    pub company: Option<Uuid>,
    /// The entity set.
    pub set: String,
    /// Why.
    pub purpose: CatchUpPurpose,
}

impl Payload for CatchUpOfSet {
    const QUEUE: QueueName = QueueName::new("catch_up", 1);
}

/// Make the work of a tick of a route's schedule, and see to it that the next tick comes.
///
/// Served by whoever serves catch-ups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The route.
    pub route: RouteName,
    /// The tick's instant.
    pub at: Timestamp,
    /// True when a person asked for it, beside the schedule.
    #[serde(default)]
    pub asked: bool,
}

impl Payload for Tick {
    const QUEUE: QueueName = QueueName::new("tick", 1);
}
