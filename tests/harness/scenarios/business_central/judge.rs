//! Whether the cards are those of the values that stood, and no others.
//!
//! It knows nothing of the product but what came out of it: cards, answers that it was sent, and its trail.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::values::{Key, Stand, Value};

/// What is judged.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    /// Every value that a record had.
    pub(super) values: &'a [Value],
    /// What the cards say, one for each card. None of a card that cannot be made out.
    pub(super) cards: &'a [Option<Key>],
    /// The versions of records that an answer showed.
    pub(super) sighted: &'a HashSet<(Uuid, u64)>,
    /// The values that the trail of their document shows as passed over.
    pub(super) passed_over: &'a HashSet<Key>,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Values that stood and had to be announced.
    pub(super) stood: usize,
    /// Those of them without a card.
    pub(super) missing: Vec<Key>,
    /// Values with more than one card.
    pub(super) twice: Vec<Key>,
    /// Cards of values that no record ever had, and cards that cannot be made out.
    pub(super) invented: usize,
    /// Cards of what was there before, and of drafts.
    pub(super) uncalled: Vec<Key>,
    /// Values that were only ever passed through.
    pub(super) passed: usize,
    /// Those of them with a card.
    pub(super) passed_announced: usize,
    /// Those with a card that no answer had shown.
    pub(super) guessed: Vec<Key>,
    /// Those without a card that no answer showed.
    pub(super) never_seen: usize,
    /// Those without a card that the trail shows as passed over.
    pub(super) told_as_passed: usize,
    /// Those without a card that were shown, and of which the trail says nothing.
    pub(super) untold: Vec<Key>,
}

/// All that happened with one key.
#[derive(Debug, Default)]
struct Story {
    /// It was there before, or is a draft.
    uncalled: bool,
    stood: bool,
    sighted: bool,
}

impl Evidence<'_> {
    pub(super) fn judge(&self) -> Verdict {
        let mut cards: HashMap<&Key, usize> = HashMap::new();
        for card in self.cards.iter().flatten() {
            *cards.entry(card).or_default() += 1;
        }
        let stories = self.stories();
        let unreadable = self.cards.iter().filter(|card| card.is_none()).count();
        let unknown = cards.iter().filter(|(key, _)| !stories.contains_key(*key));
        let mut verdict = Verdict {
            invented: unreadable + unknown.map(|(_, count)| count).sum::<usize>(),
            ..Verdict::default()
        };
        for (key, story) in stories {
            let count = cards.get(key).copied().unwrap_or_default();
            self.judge_one(&mut verdict, key, &story, count);
        }
        verdict
    }

    fn stories(&self) -> BTreeMap<&Key, Story> {
        let mut stories: BTreeMap<&Key, Story> = BTreeMap::new();
        for value in self.values {
            let story = stories.entry(&value.key).or_default();
            match value.stand {
                Stand::Before | Stand::Draft => story.uncalled = true,
                Stand::Stood => story.stood = true,
                Stand::Passed => {}
            }
            story.sighted |= self.sighted.contains(&(value.record, value.version));
        }
        stories
    }

    fn judge_one(&self, verdict: &mut Verdict, key: &Key, story: &Story, cards: usize) {
        let named = || key.clone();
        if story.uncalled {
            verdict.uncalled.extend((cards > 0).then(named));
            return;
        }
        verdict.twice.extend((cards > 1).then(named));
        if story.stood {
            verdict.stood += 1;
            verdict.missing.extend((cards == 0).then(named));
            return;
        }
        verdict.passed += 1;
        match (cards > 0, story.sighted) {
            (true, sighted) => {
                verdict.passed_announced += 1;
                verdict.guessed.extend((!sighted).then(named));
            }
            (false, false) => verdict.never_seen += 1,
            (false, true) if self.passed_over.contains(key) => verdict.told_as_passed += 1,
            (false, true) => verdict.untold.push(named()),
        }
    }
}

#[cfg(test)]
mod tests;
