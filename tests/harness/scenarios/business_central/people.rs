//! The people of the companies: they do what the scripts say, and write down every value that a record had.
//!
//! A record is left alone until the product has taken note of its last value, unless the script wants it to pass. What
//! they wait for is a card or an answer that showed the value, never a time.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use anyhow::Result;
use signalbox_sim::SimHandle;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{
    hands::{Done, Hands},
    kinds::DRAFT,
    plan::{Change, Pace, Script, Turn},
    reader::Reader,
    values::{Key, Log, Stand, Value},
};
use crate::until::PATIENCE;

/// Between two looks at what has become of everything.
const LOOK: Duration = Duration::from_millis(50);

/// What the people do.
pub(super) struct People<'a> {
    sim: &'a SimHandle,
    reader: &'a Reader,
    hands: Hands<'a>,
    acts: Vec<Act>,
    log: Log,
    seen: Seen,
    /// Changes made so far.
    pub(super) changes: usize,
}

/// A script on its way.
struct Act {
    script: Script,
    record: Option<Done>,
    /// How many of its changes were made.
    made: usize,
    awaits: Option<Awaited>,
}

/// What must have happened before a record is changed again.
enum Awaited {
    /// The value has its card.
    Card(Key),
    /// An answer has shown this version of the record.
    Sight(Uuid, u64),
}

/// What the product has shown of itself.
#[derive(Default)]
struct Seen {
    effects: usize,
    cards: HashSet<Key>,
    sighted: HashSet<(Uuid, u64)>,
}

impl<'a> People<'a> {
    /// What was there before is there now.
    pub(super) fn arrive(
        sim: &'a SimHandle,
        reader: &'a Reader,
        companies: &'a [Uuid],
        scripts: Vec<Script>,
    ) -> Result<Self> {
        let mut people = Self {
            sim,
            reader,
            hands: Hands::new(sim, companies),
            acts: Vec::new(),
            log: Log::default(),
            seen: Seen::default(),
            changes: 0,
        };
        for (place, script) in scripts.into_iter().enumerate() {
            let record = match script.before {
                Some(turn) => Some(people.seed(place, &script, turn)?),
                None => None,
            };
            people.acts.push(Act {
                script,
                record,
                made: 0,
                awaits: None,
            });
        }
        Ok(people)
    }

    fn seed(&mut self, place: usize, script: &Script, turn: Turn) -> Result<Done> {
        let done = self.hands.seed(place, script, turn)?;
        self.log.enter(done.value(Stand::Before));
        Ok(done)
    }

    /// Makes changes until so many were made in all, at most `at_once` of them between two looks.
    ///
    /// Ends early if for as long as anybody waits nothing happened that a script waits for.
    pub(super) async fn act(&mut self, until: usize, at_once: usize) -> Result<()> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        let mut turn = 0;
        while self.changes < until && last.elapsed() < PATIENCE {
            looks.tick().await;
            self.look();
            let before = self.changes;
            for step in 0..self.acts.len() {
                if self.changes >= until.min(before + at_once) {
                    break;
                }
                self.go_on((turn + step) % self.acts.len())?;
            }
            // Another one is first in the next round, so that none has to wait for the others to end.
            turn += at_once;
            if self.changes > before {
                last = Instant::now();
            }
        }
        Ok(())
    }

    /// Makes the next changes of a record, if what they wait for has happened.
    fn go_on(&mut self, place: usize) -> Result<()> {
        if !self.is_ready(place) {
            return Ok(());
        }
        loop {
            let act = &self.acts[place];
            let Some(change) = act.script.changes.get(act.made).copied() else {
                return Ok(());
            };
            self.make(place, change)?;
            if change.pace != Pace::Passes {
                return Ok(());
            }
        }
    }

    fn is_ready(&self, place: usize) -> bool {
        match &self.acts[place].awaits {
            None => true,
            Some(Awaited::Card(key)) => self.seen.cards.contains(key),
            Some(Awaited::Sight(record, version)) => {
                self.seen.sighted.contains(&(*record, *version))
            }
        }
    }

    fn make(&mut self, place: usize, change: Change) -> Result<()> {
        let act = &self.acts[place];
        let done = self
            .hands
            .make(place, &act.script, act.record.as_ref(), change)?;
        self.changes += 1;
        for entry in &done.entries {
            self.log.enter(entry.value(Stand::Stood));
        }
        let awaits = if change.turn == Turn::Delete {
            self.log.end(done.id, done.at);
            None
        } else {
            let stand = match change.pace {
                _ if done.key.once == DRAFT => Stand::Draft,
                Pace::Stands => Stand::Stood,
                Pace::Passes | Pace::Glimpsed => Stand::Passed,
            };
            let awaits = self.awaited(&done, stand);
            self.log.enter(done.value(stand));
            Some(awaits)
        };
        let act = &mut self.acts[place];
        act.record = Some(done);
        act.made += 1;
        act.awaits = awaits;
        Ok(())
    }

    /// A value that is announced needs a card; of all others it is enough that somebody was shown them.
    fn awaited(&self, done: &Done, stand: Stand) -> Awaited {
        let silent = self.seen.cards.contains(&done.key)
            || self.log.values().iter().any(|old| {
                old.key == done.key && matches!(old.stand, Stand::Before | Stand::Stood)
            });
        if stand == Stand::Stood && !silent {
            Awaited::Card(done.key.clone())
        } else {
            Awaited::Sight(done.id, done.version)
        }
    }

    /// Takes note of the cards and answers that came since the last look.
    fn look(&mut self) {
        if self.sim.effect_count() != self.seen.effects as u64 {
            let effects = self.sim.effects();
            let new = effects.iter().skip(self.seen.effects);
            let cards = new.filter_map(|effect| self.reader.read(effect));
            self.seen.cards.extend(cards);
            self.seen.effects = effects.len();
        }
        self.seen.sighted = sighted(self.sim);
    }

    /// Whether every value that stood has a card.
    pub(super) fn is_told(&mut self) -> bool {
        self.look();
        let stood = self.log.values().iter();
        let mut stood = stood.filter(|value| value.stand == Stand::Stood);
        stood.all(|value| self.seen.cards.contains(&value.key) || self.is_old(&value.key))
    }

    fn is_old(&self, key: &Key) -> bool {
        let values = self.log.values().iter();
        let mut old = values.filter(|value| value.stand == Stand::Before);
        old.any(|value| value.key == *key)
    }

    /// Every value that a record had.
    pub(super) fn values(&self) -> &[Value] {
        self.log.values()
    }
}

/// The versions of records that an answer has shown with what is announced of them.
pub(super) fn sighted(sim: &SimHandle) -> HashSet<(Uuid, u64)> {
    let all = sim.sightings().into_iter();
    let told = all.filter_map(|one| {
        let kind = super::kinds::of(&one.set)?;
        let record = one.record.parse().ok()?;
        one.fields
            .contains_key(kind.field)
            .then_some((record, one.version))
    });
    told.collect()
}
