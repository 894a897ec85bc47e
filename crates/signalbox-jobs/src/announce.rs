//! From a record to posts: which routes announce it, and under which effect keys.
//!
//! Event, poll and webhook come to the same keys, because everything in a key is taken from the record.

use std::collections::BTreeMap;

use signalbox_core::{
    EffectKey, JobError, JobId, LaneChain, Leave, Post, ROUTES, Record, Replay, RouteState,
    baseline_group, bot_lanes, hold_group,
};
use signalbox_queue::NewJob;

use crate::{Context, ExpressionError, Route, people::Mentioned};

/// The most that a post carries of its record, in bytes of JSON. Every byte of it lies in Redis.
const MOST_FIELD_BYTES: usize = 16 * 1024;

/// A record that a route announces.
#[derive(Debug)]
pub(crate) struct Announcement {
    id: JobId,
    pub(crate) effect: EffectKey,
    pub(crate) lanes: LaneChain,
    pub(crate) post: Post,
    /// What the trail is told of whom it mentions; empty if its route mentions nobody.
    pub(crate) mentions: String,
}

impl Announcement {
    /// The same, done over: its job is a new one, and its effect only if the person wants it made again.
    pub(crate) fn replayed(mut self, replay: &Replay) -> Self {
        self.id = self.id.replayed(&replay.nonce);
        if replay.again {
            self.effect = self.effect.again(&replay.nonce);
            self.post.effect = self.effect.clone();
        }
        self
    }

    /// The same, mentioning these people. A card can show their names, as fields such as `purchaserName`.
    pub(crate) fn mentioning(mut self, mentioned: Mentioned) -> Self {
        self.mentions = mentioned.told();
        let people = mentioned.people;
        for person in people.iter().filter(|one| !one.name.is_empty()) {
            let field = name_field(&person.role);
            self.post.fields.insert(field, person.name.clone().into());
        }
        self.post.people = people;
        self
    }

    /// The post job, which waits with `group` if there is one.
    pub(crate) fn job(
        self,
        trace: Option<String>,
        group: Option<String>,
    ) -> Result<NewJob, JobError> {
        let bytes = serde_json::to_string(&self.post.fields).map_or(0, |text| text.len());
        if bytes > MOST_FIELD_BYTES {
            let document = &self.post.document;
            return Err(JobError::fail(format!(
                "the fields of {document} have {bytes} bytes and a post carries {MOST_FIELD_BYTES}; shorten its texts"
            )));
        }
        let job = NewJob::new(self.id, self.lanes, self.post, trace).map_err(JobError::fail)?;
        let job = job.unless_known(self.effect);
        Ok(match group {
            Some(group) => job.held_with(&group),
            None => job,
        })
    }
}

/// The field for the name of who has `role`: `vendorContactName` for `vendor-contact`.
fn name_field(role: &str) -> String {
    let mut field = String::new();
    let mut begins = false;
    for letter in role.chars() {
        match letter {
            '-' => begins = true,
            letter if begins => {
                field.extend(letter.to_uppercase());
                begins = false;
            }
            letter => field.push(letter),
        }
    }
    field + "Name"
}

/// Why a record is not announced by a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It is not posted yet.
    Draft,
    /// Without a document number it could not be told from others.
    Unnumbered,
    /// `when` does not hold.
    When,
    /// Its number was there when the route began, in a set that only grows.
    Before,
}

impl Silence {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Unnumbered => "it has no document number",
            Self::When => "`when` does not hold",
            Self::Before => "known before the route began",
        }
    }
}

/// Asks `route` about `record`, whose number is unique in `scope`.
///
/// `highest` is the number up to which a set that only grows was there when the route began.
pub(crate) fn ask(
    context: &Context,
    scope: &str,
    route: &Route,
    record: &Record,
    highest: Option<i64>,
) -> Result<Result<Announcement, Silence>, ExpressionError> {
    if highest.is_some_and(|highest| route.entity.serial_of(record) <= Some(highest)) {
        return Ok(Err(Silence::Before));
    }
    // Whatever `when` says: a draft has no final number, so it could not be announced once.
    if route.entity.is_draft(record) {
        return Ok(Err(Silence::Draft));
    }
    let document = route.entity.document_of(record);
    if document.is_empty() {
        return Ok(Err(Silence::Unnumbered));
    }
    if !route.when.holds(record)? {
        return Ok(Err(Silence::When));
    }
    let once = route.once.text_for(record)?;
    let effect = EffectKey::post(&route.name, scope, &document, &once);
    let root = context
        .sinks
        .get(&route.sink)
        .map(|sink| sink.root.clone())
        .expect("the configuration was checked: a route's sink exists");
    let post = Post {
        route: route.name.clone(),
        connection: route.sink.clone(),
        to: route.to.clone(),
        card: route.card.clone(),
        scope: scope.to_owned(),
        document,
        effect: effect.clone(),
        fields: card_fields(record),
        people: Vec::new(),
    };
    Ok(Ok(Announcement {
        id: JobId::post(&effect),
        effect,
        lanes: bot_lanes(&root, &route.to),
        post,
        mentions: String::new(),
    }))
}

/// What a card can show: the record without its lines.
fn card_fields(record: &Record) -> Record {
    let plain = record
        .iter()
        .filter(|(_, value)| !value.is_array() && !value.is_object());
    plain
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A field as text; empty if it is blank.
pub(crate) fn field<'a>(record: &'a Record, name: &str) -> &'a str {
    record
        .get(name)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

/// What every route may do, read in one go.
#[derive(Debug)]
pub(crate) struct Phases(BTreeMap<String, RouteState>);

impl Phases {
    pub(crate) async fn now(context: &Context) -> Result<Self, signalbox_queue::QueueError> {
        let states = context.queue.register(ROUTES).list::<RouteState>().await?;
        Ok(Self(states.into_iter().collect()))
    }

    /// The highest number that was there when `route` began for `scope`, if its set only grows.
    pub(crate) fn highest(&self, route: &Route, scope: &str) -> Option<i64> {
        let begun = self.0.get(route.name.as_str())?.begun.as_ref()?;
        begun.get(scope)?.highest
    }

    /// The group that posts of `route` about documents of `scope` wait with; none if they may be made.
    pub(crate) fn group(&self, route: &Route, scope: &str) -> Option<String> {
        // Without a state Redis has forgotten the route, and with it what was announced before.
        let leave = self
            .0
            .get(route.name.as_str())
            .map(|state| state.leave(scope));
        match leave {
            Some(Leave::Given) if route.enabled => None,
            Some(Leave::AfterBaseline) if route.enabled => Some(baseline_group(&route.name, scope)),
            _ => Some(hold_group(&route.name)),
        }
    }
}
