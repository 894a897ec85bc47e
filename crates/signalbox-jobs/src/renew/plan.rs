//! What is to be done to the subscriptions of an environment so that they become what is wanted. Pure.
//!
//! Ours is what carries our own address; nothing else is ever touched. Those that are wanted come first in the order of
//! the wishes, as far as the environment has room beside the subscriptions of others; the rest polls instead. From one
//! round to the next the same view gives the same plan, so that nothing is made and deleted by turns.

mod due;
mod sorting;

use std::collections::BTreeSet;

use jiff::Timestamp;
use signalbox_core::{CompanyAddress, Subscription};

pub(super) use due::Times;
use sorting::Sorting;

/// A set of one company that some route listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) company: CompanyAddress,
    pub(super) set: String,
    /// The API route whose subscriptions it belongs to.
    pub(super) api: String,
    /// Why it cannot be subscribed to.
    pub(super) unable: Option<String>,
}

/// A subscription of the source, with the API route that showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) api: String,
    pub(super) subscription: signalbox_microsoft::Subscription,
}

/// Everything that decides.
pub(super) struct View<'a> {
    /// The most important one first.
    pub(super) wishes: &'a [Wish],
    /// The records of this environment.
    pub(super) records: Vec<Subscription>,
    /// The keys of every record of the connection, whatever its environment.
    pub(super) keys: BTreeSet<String>,
    pub(super) listed: Vec<Listed>,
    /// Whether nobody wants the subscription of a record any more. That its company is only not seen is no reason.
    pub(super) dismissed: &'a (dyn Fn(&Subscription) -> bool + Sync),
    /// What our own addresses begin with; the key follows.
    pub(super) hook: &'a str,
    /// Subscriptions that the environment allows, those of others among them.
    pub(super) most: usize,
    pub(super) now: Timestamp,
    pub(super) times: Times,
}

/// A subscription of the source that is deleted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Deletion {
    pub(super) listed: Listed,
    /// Our record of it, if there is one.
    pub(super) record: Option<Subscription>,
    pub(super) why: &'static str,
}

/// A subscription of the source that is renewed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) record: Subscription,
    pub(super) listed: Listed,
    /// The record that this one takes the place of, because the source knows us by another key.
    pub(super) replaces: Option<String>,
    /// Whether news may have come while it did not notify.
    pub(super) was_deaf: bool,
}

/// What is to be done, each list in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) delete: Vec<Deletion>,
    pub(super) renew: Vec<Extension>,
    /// Each with its API route.
    pub(super) create: Vec<(Subscription, String)>,
    /// Those that need nothing.
    pub(super) young: Vec<(Subscription, Listed)>,
    /// Those that poll instead, with the reason; `None` leaves the reason that they have.
    pub(super) poll: Vec<(Subscription, Option<String>)>,
    /// Records that nobody needs any more.
    pub(super) forget: Vec<Subscription>,
    /// Subscriptions of the source that stay, those of others among them.
    pub(super) staying: usize,
    /// Live subscriptions that are gone at the source, if all of them are.
    pub(super) all_gone: usize,
    /// When something is to be done next, if nothing happens before.
    pub(super) next: Option<Timestamp>,
}

impl Plan {
    /// Changes at the source that the plan makes.
    pub(super) fn changes(&self) -> usize {
        self.delete.len() + self.renew.len() + self.create.len()
    }

    fn look_again(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// What is to be done.
pub(super) fn plan(view: &View<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut sorting = Sorting::of(view, &mut plan);
    let wishes = view.wishes.iter();
    let places: Vec<Place<'_>> = wishes.filter_map(|wish| sorting.place(wish)).collect();
    sorting.clear_away(&places, &mut plan);
    let found = places.iter().filter(|place| place.found.is_some()).count();
    let live = |place: &&Place<'_>| place.found.is_none() && place.record.is_live(view.now);
    let lost = places.iter().filter(live).count();
    plan.all_gone = if found == 0 { lost } else { 0 };
    plan.staying = sorting.others + found;
    let room = view.most.saturating_sub(sorting.others);
    settle(places, room, view, &mut plan);
    let end = |one: &Extension| one.listed.subscription.expires_at;
    plan.renew.sort_by_key(end);
    plan
}

/// Gives the first `room` of those that can be subscribed to their subscription.
fn settle(mut places: Vec<Place<'_>>, room: usize, view: &View<'_>, plan: &mut Plan) {
    // What was refused before takes only what nobody else needs, so that it drives out nothing that works.
    places.sort_by_key(Place::was_refused);
    let mut taken = 0;
    for place in places {
        if let Some(unable) = &place.wish.unable
            && place.found.is_none()
        {
            plan.poll.push((place.record, Some(unable.clone())));
            continue;
        }
        let again_at = place.again_at().filter(|at| *at > view.now);
        if let Some(again_at) = again_at
            && place.found.is_none()
        {
            plan.look_again(again_at);
            plan.poll.push((place.record, None));
            continue;
        }
        if taken == room {
            let most = view.most;
            let reason = format!(
                "the {most} subscriptions of the environment are used up by others and by sets that come first; \
                 raise `max_subscriptions` if it allows more, or end some that nobody needs"
            );
            place.give_up(reason, plan);
            continue;
        }
        taken += 1;
        place.keep(view, plan);
    }
}

/// A wish with what there is of it.
struct Place<'a> {
    wish: &'a Wish,
    record: Subscription,
    found: Option<Listed>,
    replaces: Option<String>,
}

impl Place<'_> {
    fn again_at(&self) -> Option<Timestamp> {
        self.record.polls_instead.as_ref()?.again_at
    }

    fn was_refused(&self) -> bool {
        self.found.is_none() && self.again_at().is_some()
    }

    fn give_up(self, reason: String, plan: &mut Plan) {
        if let Some(listed) = self.found {
            plan.staying -= 1;
            plan.delete.push(Deletion {
                listed,
                record: Some(self.record.clone()),
                why: "the room is needed for a set that comes first",
            });
        }
        plan.poll.push((self.record, Some(reason)));
    }

    fn keep(self, view: &View<'_>, plan: &mut Plan) {
        let (now, times, record) = (view.now, &view.times, self.record);
        let Some(listed) = self.found else {
            match times.creation(&record).filter(|at| *at > now) {
                Some(later) => plan.look_again(later),
                None => plan.create.push((record, self.wish.api.clone())),
            }
            return;
        };
        let states = &record.client_states;
        let is_settled = states.pending.is_none() && states.current.is_some();
        let expires_at = listed.subscription.expires_at;
        let is_over = expires_at <= now;
        let due = if is_settled && !is_over {
            times.renewal(&record, expires_at, now)
        } else {
            times.creation(&record).unwrap_or(now)
        };
        if due > now {
            plan.look_again(due);
            plan.young.push((record, listed));
            return;
        }
        plan.renew.push(Extension {
            was_deaf: is_over || !is_settled,
            record,
            listed,
            replaces: self.replaces,
        });
    }
}

#[cfg(test)]
mod tests;
