//! Which of the source's subscriptions are ours, and which wish each belongs to. Pure.
//!
//! Ours is what carries our own address and a key. What carries it with a key that no record has is from a former life
//! of ours: it is taken over where it is wanted, and deleted where it is not.

use std::collections::BTreeMap;

use signalbox_core::{Resource, Subscription};

use super::{Deletion, Listed, Place, Plan, View, Wish};

/// The listed subscriptions, sorted into ours and those of others.
pub(super) struct Sorting<'a> {
    view: &'a View<'a>,
    /// Ours by key, without twins.
    ours: BTreeMap<&'a str, &'a Listed>,
    /// How many stay that are not ours, or that we leave alone.
    pub(super) others: usize,
}

impl<'a> Sorting<'a> {
    pub(super) fn of(view: &'a View<'a>, plan: &mut Plan) -> Self {
        let mut ours: BTreeMap<&str, &Listed> = BTreeMap::new();
        let mut others = 0;
        for listed in &view.listed {
            let Some(key) = listed.key(view.hook) else {
                others += 1;
                continue;
            };
            let expires = |listed: &Listed| listed.subscription.expires_at;
            let twin = match ours.get(key) {
                Some(known) if expires(known) >= expires(listed) => Some(listed),
                _ => ours.insert(key, listed),
            };
            plan.delete.extend(twin.map(|twin| Deletion {
                listed: twin.clone(),
                record: None,
                why: "another subscription has the same address",
            }));
        }
        Self { view, ours, others }
    }

    /// What there is of `wish`.
    pub(super) fn place(&mut self, wish: &'a Wish) -> Option<Place<'a>> {
        let records = self.view.records.iter().filter(|one| wish.is_of(one));
        let known = |record: &&Subscription| self.ours.contains_key(record.key.as_str());
        let record = records.clone().find(known).or(records.clone().next())?;
        let mut place = Place {
            wish,
            record: record.clone(),
            found: self.ours.remove(record.key.as_str()).cloned(),
            replaces: None,
        };
        if place.found.is_none()
            && let Some((key, stray)) = self.stray(wish, record)
        {
            place.found = Some(stray.clone());
            place.replaces = Some(std::mem::replace(&mut place.record.key, key.to_owned()));
        }
        Some(place)
    }

    /// What the source has of `wish` by a key of a former life of ours, if we have never asked for one since.
    fn stray(&mut self, wish: &Wish, record: &Subscription) -> Option<(&'a str, &'a Listed)> {
        if record.client_states.all().next().is_some() {
            return None;
        }
        let known = &self.view.keys;
        let ours = self.ours.iter();
        let strays = ours.filter(|(key, one)| !known.contains(**key) && wish.is_named_by(one));
        let (key, _) = strays.max_by_key(|(_, one)| one.subscription.expires_at)?;
        let key = *key;
        self.ours.remove_entry(key)
    }

    /// What is ours and not wanted. What cannot be told apart from a lack of sight is left to end by itself.
    pub(super) fn clear_away(&mut self, places: &[Place<'_>], plan: &mut Plan) {
        let view = self.view;
        let is_placed = |record: &Subscription| {
            let keys = places
                .iter()
                .flat_map(|place| [Some(&place.record.key), place.replaces.as_ref()]);
            keys.flatten().any(|key| *key == record.key)
        };
        let records = view.records.iter();
        let spare: Vec<_> = records.filter(|record| !is_placed(record)).collect();
        for (key, listed) in &self.ours {
            let record = spare.iter().find(|record| record.key == *key).copied();
            let Some(why) = view.why_clear_away(key, record) else {
                self.others += 1;
                continue;
            };
            plan.delete.push(Deletion {
                listed: (*listed).clone(),
                record: record.cloned(),
                why,
            });
        }
        let forgotten = spare.into_iter().filter(|record| {
            let end = record.expires_at.unwrap_or(record.caught_up_at);
            let is_over = view
                .times
                .is_long_over(end.max(record.caught_up_at), view.now);
            is_over && !self.ours.contains_key(record.key.as_str())
        });
        plan.forget.extend(forgotten.cloned());
    }
}

impl View<'_> {
    fn why_clear_away(&self, key: &str, record: Option<&Subscription>) -> Option<&'static str> {
        match record {
            None if self.keys.contains(key) => None,
            None => Some("it is ours and nobody knows it"),
            Some(record) if self.wishes.iter().any(|wish| wish.is_of(record)) => {
                Some("another subscription is to the same set")
            }
            Some(record) if (self.dismissed)(record) => Some("no route listens to it any more"),
            Some(_) => None,
        }
    }
}

impl Wish {
    fn is_of(&self, record: &Subscription) -> bool {
        record.company == self.company.company && record.set == self.set
    }

    /// Whether `listed` is about this set of this company, in any of the forms in which a resource is written.
    fn is_named_by(&self, listed: &Listed) -> bool {
        let text = &listed.subscription.resource;
        let Ok(resource) = Resource::parse(text) else {
            return false;
        };
        let route = format!("api/{}/companies(", self.api);
        let is_there = text.contains(&route) || !text.contains("api/");
        is_there && resource.company == self.company.company && resource.set == self.set
    }
}

impl Listed {
    /// The key in its address, if that is one of ours.
    fn key(&self, hook: &str) -> Option<&str> {
        let key = self.subscription.notification_url.strip_prefix(hook)?;
        let is_key = !key.is_empty() && !key.contains(['/', '?', '#']);
        is_key.then_some(key)
    }
}
