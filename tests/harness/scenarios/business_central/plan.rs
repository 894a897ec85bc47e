//! What people are going to do: a script for each record, drawn by lot, the same one for the same seed.

use super::{
    super::dice::Dice,
    kinds::{self, DRAFT, Kind, Life, RELEASED},
};

/// How a change changes its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has this status from now on.
    Status(&'static str),
    /// It is called by its alias of this number from now on.
    Alias(u32),
    /// Something is changed that nobody announces.
    Touch,
    /// It is deleted.
    Delete,
}

/// When the next change of the record comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Once the product had a whole read or poll after this one.
    Stands,
    /// Once an answer has shown this one.
    Glimpsed,
    /// At once, before a notification can go out.
    Passes,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// What is done.
    pub(super) turn: Turn,
    /// When the next one comes.
    pub(super) pace: Pace,
    /// By a delegated admin, so that nobody is told (facts, Business Central §2.9).
    pub(super) silent: bool,
}

/// The changes of one record. The first one makes it, unless it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// Which company, by its place.
    pub(super) company: usize,
    /// Which entity set.
    pub(super) kind: &'static Kind,
    /// With what it was there before; none if it is made by the first change.
    pub(super) before: Option<Turn>,
    /// What is done to it.
    pub(super) changes: Vec<Change>,
}

/// Chances out of a hundred.
const EXISTED: u64 = 30;
const SILENT: u64 = 8;
const PASSES: u64 = 20;
const GLIMPSED: u64 = 10;
const TOUCHED: u64 = 8;
const DELETED: u64 = 12;

/// Scripts with so many changes in all, over every set and so many companies.
pub(super) fn draw(seed: u64, changes: usize, companies: usize) -> Vec<Script> {
    let mut dice = Dice::new(seed);
    let (mut scripts, mut left) = (Vec::new(), changes);
    while left > 0 {
        // In turn, so that every set of every company has its share.
        let place = scripts.len();
        let kind = &kinds::ALL[place % kinds::ALL.len()];
        let company = (place / kinds::ALL.len()) % companies;
        let mut script = script(&mut dice, kind, company);
        script.changes.truncate(left);
        // The last value of a record stands, because nothing comes after it.
        if let Some(last) = script.changes.last_mut() {
            last.pace = Pace::Stands;
        }
        left -= script.changes.len();
        scripts.push(script);
    }
    scripts
}

/// A record of a set that is made and then left alone.
pub(super) fn one(kind: &'static Kind, company: usize) -> Script {
    let turn = match kind.life {
        Life::Document { unposted, posted } => {
            // The last one is announced of every document.
            let status = posted.first().or(unposted.last());
            Turn::Status(status.copied().unwrap_or(DRAFT))
        }
        Life::Named | Life::Entry => Turn::Alias(0),
    };
    let change = Change {
        turn,
        pace: Pace::Stands,
        silent: false,
    };
    Script {
        company,
        kind,
        before: None,
        changes: vec![change],
    }
}

fn script(dice: &mut Dice, kind: &'static Kind, company: usize) -> Script {
    let length = match kind.life {
        Life::Entry => 1,
        _ => 1 + dice.index(6),
    };
    let before = (kind.life != Life::Entry && dice.percent(EXISTED)).then(|| first(dice, kind));
    let mut now = before;
    let mut changes = Vec::new();
    while changes.len() < length && now != Some(Turn::Delete) {
        let turn = match now {
            None => first(dice, kind),
            Some(_) if kind.life != Life::Entry && dice.percent(TOUCHED) => Turn::Touch,
            Some(_) if changes.len() + 1 == length && dice.percent(DELETED) => Turn::Delete,
            Some(now) => next(dice, kind, now),
        };
        changes.push(Change {
            turn,
            pace: pace(dice),
            silent: dice.percent(SILENT),
        });
        now = if turn == Turn::Touch { now } else { Some(turn) };
    }
    Script {
        company,
        kind,
        before,
        changes,
    }
}

fn pace(dice: &mut Dice) -> Pace {
    match dice.between(0, 100) {
        chance if chance < PASSES => Pace::Passes,
        chance if chance < PASSES + GLIMPSED => Pace::Glimpsed,
        _ => Pace::Stands,
    }
}

/// How a record begins.
fn first(dice: &mut Dice, kind: &Kind) -> Turn {
    match kind.life {
        // A sales invoice is made as a draft, whoever makes it.
        Life::Document { unposted, .. } if unposted.contains(&RELEASED) => Turn::Status(DRAFT),
        Life::Document { unposted, posted } => {
            let all: Vec<_> = unposted.iter().chain(posted.first()).collect();
            Turn::Status(all[dice.index(all.len())])
        }
        Life::Named | Life::Entry => Turn::Alias(0),
    }
}

/// What may come after `now`: another value, which may be one of those that the record had before.
fn next(dice: &mut Dice, kind: &Kind, now: Turn) -> Turn {
    match (&kind.life, now) {
        (Life::Document { unposted, posted }, Turn::Status(now)) => {
            // What is posted stays posted.
            let is_posted = posted.contains(&now) && !unposted.contains(&now);
            let unposted = if is_posted { &[][..] } else { unposted };
            // Posting makes it open, whatever comes later.
            let posted = if is_posted || posted.is_empty() {
                posted
            } else {
                &posted[..1]
            };
            let all = unposted.iter().chain(posted.iter());
            let others: Vec<_> = all.filter(|status| **status != now).collect();
            Turn::Status(others[dice.index(others.len())])
        }
        // About every fifth is a name that the record may have had before.
        (_, Turn::Alias(number)) if dice.percent(20) => Turn::Alias(number.saturating_sub(1)),
        (_, Turn::Alias(number)) => Turn::Alias(number + 1),
        (_, now) => now,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Life, Pace, Turn, draw, kinds};

    #[test]
    fn the_same_seed_draws_the_same_scripts_and_another_one_does_not() {
        assert_eq!(draw(1, 300, 3), draw(1, 300, 3));
        assert_ne!(draw(1, 300, 3), draw(2, 300, 3));
    }

    #[test]
    fn there_are_exactly_as_many_changes_and_they_reach_every_set_of_every_company() {
        let scripts = draw(7, 2_000, 3);
        let changes: usize = scripts.iter().map(|script| script.changes.len()).sum();
        assert_eq!(changes, 2_000);
        let reached: HashSet<_> = scripts
            .iter()
            .map(|one| (one.company, one.kind.set))
            .collect();
        assert_eq!(reached.len(), 3 * kinds::ALL.len());
    }

    #[test]
    fn all_that_is_inconvenient_happens() {
        let scripts = draw(7, 2_000, 3);
        let all = || scripts.iter().flat_map(|script| &script.changes);
        let many = |found: usize| assert!(found > 20, "{found}");
        many(all().filter(|one| one.silent).count());
        many(all().filter(|one| one.pace == Pace::Passes).count());
        many(all().filter(|one| one.pace == Pace::Glimpsed).count());
        many(all().filter(|one| one.turn == Turn::Touch).count());
        many(all().filter(|one| one.turn == Turn::Delete).count());
        many(scripts.iter().filter(|one| one.before.is_some()).count());
    }

    #[test]
    fn what_is_posted_stays_posted_and_is_open_at_first() {
        for script in draw(3, 2_000, 3) {
            let Life::Document { unposted, posted } = script.kind.life else {
                continue;
            };
            let turns = script.before.into_iter();
            let turns = turns.chain(script.changes.iter().map(|change| change.turn));
            let mut posted_already = false;
            for turn in turns {
                let Turn::Status(status) = turn else { continue };
                let is_posted = posted.contains(&status) && !unposted.contains(&status);
                assert!(is_posted || !posted_already, "{script:?}");
                assert!(
                    posted_already || !is_posted || status == "Open",
                    "{script:?}"
                );
                posted_already = is_posted;
            }
        }
    }
}
