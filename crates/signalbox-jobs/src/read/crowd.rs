//! When reads of one environment go together, and how many: what this process has seen of it lately.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::guests::Tables;

/// A job that waited for so long before its attempt did not come alone.
const WAITED: SignedDuration = SignedDuration::from_millis(100);

/// The reads of one environment.
#[derive(Debug)]
pub(crate) struct Crowd {
    under_way: AtomicUsize,
    /// So many records are asked for together; fewer after the service took too long.
    most: AtomicUsize,
    tables: Tables,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(usize::MAX),
            tables: Tables::default(),
        }
    }
}

impl Crowd {
    /// Counts a read for as long as what is returned lives.
    pub(super) fn enter(&self) -> Present<'_> {
        let others = self.under_way.fetch_add(1, Ordering::Relaxed);
        Present {
            crowd: self,
            others: others > 0,
        }
    }

    /// Where reads that wait for leave to send find their guests.
    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// How many records may be asked for together where `limit` have room in a request.
    pub(super) fn most(&self, limit: usize) -> usize {
        self.most.load(Ordering::Relaxed).min(limit).max(1)
    }

    /// A request for `count` records took too long.
    pub(super) fn was_too_much(&self, count: usize) {
        self.most.fetch_min((count / 2).max(1), Ordering::Relaxed);
    }

    /// A request for `count` records was answered. The next may be larger, by little: each that is too large costs the
    /// time after which it is given up.
    pub(super) fn went_well(&self, count: usize) {
        let grown = |most: usize| (count >= most).then(|| most.saturating_add(most / 10 + 1));
        let relaxed = Ordering::Relaxed;
        // Somebody else may have changed it meanwhile, and then knows better.
        self.most.fetch_update(relaxed, relaxed, grown).ok();
    }
}

/// A read that is under way.
#[derive(Debug)]
pub(super) struct Present<'a> {
    crowd: &'a Crowd,
    others: bool,
}

impl Present<'_> {
    /// Whether more changes are likely to wait: a change that comes alone shall not pay for the others.
    pub(super) fn is_crowded(&self, enqueued_at: Timestamp, now: Timestamp) -> bool {
        self.others || now.duration_since(enqueued_at) > WAITED
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.crowd.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Crowd, WAITED};

    #[test]
    fn a_read_is_alone_unless_another_is_under_way_or_it_had_to_wait() {
        let (crowd, now) = (Crowd::default(), Timestamp::UNIX_EPOCH);
        let first = crowd.enter();
        assert!(!first.is_crowded(now, now + WAITED));
        assert!(first.is_crowded(now, now + WAITED + WAITED));
        assert!(crowd.enter().is_crowded(now, now));
        drop(first);
        assert!(!crowd.enter().is_crowded(now, now));
    }

    #[test]
    fn what_took_too_long_is_halved_down_to_one_and_grows_a_little_with_what_goes_well() {
        let crowd = Crowd::default();
        assert_eq!(crowd.most(100), 100);
        crowd.was_too_much(100);
        crowd.was_too_much(50);
        assert_eq!(crowd.most(100), 25);
        crowd.went_well(3);
        assert_eq!(crowd.most(100), 25);
        crowd.went_well(25);
        assert_eq!(crowd.most(100), 28);
        crowd.was_too_much(1);
        assert_eq!(crowd.most(100), 1);
        assert_eq!(Crowd::default().most(0), 1);
    }
}
