//! Which records are meant: the trail is asked, because only it knows which record a document came from.

use std::collections::HashMap;

use anyhow::bail;
use jiff::Timestamp;
use signalbox_config::Config;
use signalbox_core::{ConnectionName, DocumentName, RecordAddress, RouteName, Step, StepWord};
use signalbox_queue::{Queue, QueueError};

use crate::cli::Replay;

/// What must hold of a document.
pub(super) struct Choice<'a> {
    documents: &'a [String],
    route: Option<Listening<'a>>,
    failed_with: Option<&'a str>,
    since: Timestamp,
    until: Timestamp,
}

/// A route, and the set whose records it is asked about.
struct Listening<'a> {
    name: &'a RouteName,
    connection: &'a ConnectionName,
    set: &'a str,
}

/// The records that are meant.
#[derive(Default)]
pub(super) struct Meant {
    /// Each with its document, if that is known.
    pub(super) records: Vec<(RecordAddress, Option<DocumentName>)>,
    /// Documents that are meant, but whose record nobody told.
    pub(super) lost: usize,
    places: HashMap<RecordAddress, usize>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(
        which: &'a Replay,
        config: &'a Config,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let route = match &which.route {
            None => None,
            Some(name) => match config.routes.get(name) {
                None => {
                    bail!(
                        "there is no route `{name}`; `signalbox routes list` shows those that exist"
                    )
                }
                Some(route) => Some(Listening {
                    name,
                    connection: &route.from.connection,
                    set: &route.from.entity,
                }),
            },
        };
        Ok(Self {
            documents: &which.documents,
            route,
            failed_with: which.failed_with.as_deref(),
            since: which
                .since
                .map_or(Timestamp::UNIX_EPOCH, |since| since.at(now)),
            until: which.until.map_or(Timestamp::MAX, |until| until.at(now)),
        })
    }

    /// Goes through the stories of the documents that are named, or through all since the instant.
    pub(super) async fn made(&self, queue: &Queue) -> Result<Meant, QueueError> {
        let mut meant = Meant::default();
        for document in self.documents {
            for story in by_document(queue.story(document).await?) {
                meant.consider(self, &story);
            }
        }
        if self.documents.is_empty() {
            let mut walk = queue.walk_trail(self.since);
            while let Some(stories) = walk.next().await? {
                for story in stories {
                    meant.consider(self, &story);
                }
            }
        }
        Ok(meant)
    }

    /// The route, if nothing but a time narrows what is meant of it.
    pub(super) fn whole_route(&self) -> Option<&RouteName> {
        let narrowed = !self.documents.is_empty() || self.failed_with.is_some();
        self.route
            .as_ref()
            .map(|route| route.name)
            .filter(|_| !narrowed)
    }

    /// Whether all from the one instant to the other is meant.
    pub(super) fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since <= first && self.until > last
    }

    /// Whether one step has all that is asked for.
    fn means(&self, story: &[Step]) -> bool {
        let documented = story.iter().any(|step| step.document.is_some());
        story.iter().any(|step| {
            let within = (self.since..self.until).contains(&step.at);
            let failed = self
                .failed_with
                .is_none_or(|text| step.word == StepWord::Dead && step.detail.contains(text));
            let routed = self.route.as_ref().is_none_or(|route| {
                step.route.as_ref() == Some(route.name) || (!documented && route.hears(step))
            });
            within && failed && routed
        })
    }
}

impl Listening<'_> {
    /// Of a record that could not be read, no route has told anything yet.
    fn hears(&self, step: &Step) -> bool {
        let record = step.record.as_ref();
        record.is_some_and(|record| record.connection == *self.connection && record.set == self.set)
    }
}

impl Meant {
    fn consider(&mut self, choice: &Choice<'_>, story: &[Step]) {
        if !choice.means(story) {
            return;
        }
        let document = story.iter().find_map(|step| step.document.clone());
        let Some(record) = story.iter().rev().find_map(|step| step.record.clone()) else {
            self.lost += 1;
            return;
        };
        // The story of the job and that of its document lead to the same record.
        if let Some(place) = self.places.get(&record) {
            let known = &mut self.records[*place].1;
            *known = known.take().or(document);
        } else {
            self.places.insert(record.clone(), self.records.len());
            self.records.push((record, document));
        }
    }
}

/// What one name tells, document by document; what was told before a document was known goes with its record.
fn by_document(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut stories: Vec<Vec<Step>> = Vec::new();
    let (known, unknown): (Vec<Step>, Vec<Step>) =
        steps.into_iter().partition(|step| step.document.is_some());
    for step in known {
        let same = |story: &&mut Vec<Step>| story[0].document == step.document;
        match stories.iter_mut().find(same) {
            Some(story) => story.push(step),
            None => stories.push(vec![step]),
        }
    }
    for step in unknown {
        let about = |story: &&mut Vec<Step>| {
            let same = |other: &Step| other.record == step.record;
            step.record.is_some() && story.iter().any(same)
        };
        match stories.iter_mut().find(about) {
            Some(story) => story.push(step),
            None => stories.push(vec![step]),
        }
    }
    stories
}
