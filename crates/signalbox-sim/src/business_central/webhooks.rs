//! What an environment knows of webhooks besides its own subscriptions: what is offered,
//! what others have subscribed to, what goes wrong, and how much of it went wrong.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use uuid::Uuid;

use super::erp::Subscription;
use super::webhook_log::WebhookLog;
use crate::config::{Share, SimConfig};

/// What was done to notifications, and what subscriptions missed; over all environments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct WebhookCounts {
    /// Changes that a subscription was never told of, by `drop-notifications`.
    pub dropped: u64,
    /// Elements that were sent again although they were acknowledged, by `double-notifications`.
    pub doubled: u64,
    /// Elements whose acknowledgement came too late, by `late-answers`.
    pub answered_late: u64,
    /// Changes that an expired subscription would have announced and that no live one did.
    pub missed_while_expired: u64,
    /// Subscriptions of others that were deleted through the API.
    pub others_deleted: u64,
    /// Creations that the limit of the environment refused.
    pub refused_by_limit: u64,
}

impl WebhookCounts {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            dropped: self.dropped + other.dropped,
            doubled: self.doubled + other.doubled,
            answered_late: self.answered_late + other.answered_late,
            missed_while_expired: self.missed_while_expired + other.missed_while_expired,
            others_deleted: self.others_deleted + other.others_deleted,
            refused_by_limit: self.refused_by_limit + other.refused_by_limit,
        }
    }
}

/// Draws lots: the same ones for the same seed.
#[derive(Debug, Default)]
pub(crate) struct Lots(Option<(f64, StdRng)>);

impl Lots {
    /// Lots of which this share is drawn; none at all without one.
    pub(crate) fn of(share: Option<Share>) -> Self {
        let drawn = share.filter(|share| share.percent > 0.0);
        Self(drawn.map(|Share { percent, seed }| {
            let probability = (percent / 100.0).clamp(0.0, 1.0);
            (probability, StdRng::seed_from_u64(seed))
        }))
    }

    /// Draws one.
    pub(crate) fn draw(&mut self) -> bool {
        let Some((probability, rng)) = &mut self.0 else {
            return false;
        };
        rng.random_bool(*probability)
    }
}

/// The part of an environment that concerns webhooks.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    /// What can be subscribed to, as `webhookSupportedResources` names it.
    pub(crate) resources: BTreeSet<String>,
    /// Subscriptions of others. They count against the limit; nothing is sent for them.
    pub(crate) others: BTreeMap<String, Subscription>,
    /// Companies and sets whose subscription expired, is gone, and was not made anew.
    pub(crate) expired: BTreeSet<(Uuid, String)>,
    pub(crate) log: WebhookLog,
    /// Changes that are never sent.
    pub(crate) dropping: Lots,
    /// Notifications that are sent again although they were acknowledged.
    pub(crate) doubling: Lots,
    /// How many of the next acknowledgements come too late.
    pub(crate) late_answers: u64,
    /// Not counted here: what was missed, see the deaths of the environment.
    pub(crate) counts: WebhookCounts,
}

impl Webhooks {
    /// The configured beginning of an environment.
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            resources: config.webhook_resources.iter().cloned().collect(),
            dropping: Lots::of(config.drop_notifications),
            doubling: Lots::of(config.double_notifications),
            ..Self::default()
        }
    }

    /// What is left of it when the environment's data are replaced by a copy.
    pub(crate) fn without_subscriptions(self) -> Self {
        Self {
            others: BTreeMap::new(),
            expired: BTreeSet::new(),
            log: WebhookLog::default(),
            ..self
        }
    }

    /// Whether a set, as subscriptions name it, can be subscribed to.
    pub(crate) fn offers(&self, set: &str) -> bool {
        self.resources.contains(&resource_of(set))
    }

    /// Whether a change is to be lost, which is counted.
    pub(crate) fn drops(&mut self) -> bool {
        let dropped = self.dropping.draw();
        self.counts.dropped += u64::from(dropped);
        dropped
    }
}

/// A set, as subscriptions name it, as `webhookSupportedResources` names it.
pub(crate) fn resource_of(set: &str) -> String {
    if set.contains('/') {
        set.to_owned()
    } else {
        format!("v2.0/{set}")
    }
}

/// The route of a set, as subscriptions name it: `api/v2.0`, or that of its custom API.
pub(crate) fn route_of(set: &str) -> String {
    match set.rsplit_once('/') {
        Some((route, _)) => format!("api/{route}"),
        None => "api/v2.0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(percent: f64, seed: u64) -> usize {
        let mut lots = Lots::of(Some(Share { percent, seed }));
        (0..1_000).filter(|_| lots.draw()).count()
    }

    #[test]
    fn about_the_share_is_drawn_and_the_same_one_for_the_same_seed() {
        assert!((60..140).contains(&drawn(10.0, 1)), "{}", drawn(10.0, 1));
        assert_eq!(drawn(10.0, 1), drawn(10.0, 1));
        assert_eq!((drawn(0.0, 1), drawn(100.0, 1)), (0, 1_000));
    }

    #[test]
    fn a_custom_set_is_named_with_its_route() {
        let custom = "contoso/finance/v1.0/ledgerEntries";
        assert_eq!(resource_of(custom), custom);
        assert_eq!(route_of(custom), "api/contoso/finance/v1.0");
        assert_eq!(resource_of("vendors"), "v2.0/vendors");
        assert_eq!(route_of("vendors"), "api/v2.0");
    }
}
