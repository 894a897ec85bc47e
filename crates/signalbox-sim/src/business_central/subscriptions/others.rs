//! Subscriptions of other applications, which share the limit of the environment.
//!
//! Their receivers are out of reach, so nothing is sent to them; they only take up room.

use uuid::Uuid;

use crate::business_central::erp::Subscription;
use crate::state::{Shared, World};

/// Sets that others like to follow.
const SETS: [&str; 4] = ["customers", "vendors", "items", "salesOrders"];

/// Those that a listing shows.
pub(super) fn all_visible<'a>(
    shared: &Shared,
    world: &'a World,
) -> impl Iterator<Item = &'a Subscription> {
    let shown = shared.config.others_visible;
    world.erp.webhooks.others.values().filter(move |_| shown)
}

/// The one of this id, if others' can be seen.
pub(super) fn visible<'a>(shared: &Shared, world: &'a World, id: &str) -> Option<&'a Subscription> {
    let found = world.erp.webhooks.others.get(id);
    found.filter(|_| shared.config.others_visible)
}

impl World {
    /// Lets others have so many subscriptions in the environment that is looked at.
    pub(crate) fn occupy(&mut self, count: usize) {
        let company = self.erp.companies.first().map(|company| company.id);
        let company = company.unwrap_or(Uuid::nil());
        let other = |number: usize| {
            let set = SETS[number % SETS.len()];
            let version = self.erp.next_version();
            let made = Subscription::blank();
            Subscription {
                url: format!("https://flows.example.net/hooks/{number}"),
                resource: format!("api/v2.0/companies({company})/{set}"),
                company,
                set: set.to_owned(),
                client_state: Uuid::new_v4().simple().to_string(),
                // Their owners see to it that they live on.
                expires: jiff::Timestamp::MAX,
                version,
                ..made
            }
        };
        let others: Vec<Subscription> = (0..count).map(other).collect();
        self.erp.webhooks.others = others
            .into_iter()
            .map(|one| (one.id.clone(), one))
            .collect();
    }
}

impl Shared {
    /// Lets others have so many subscriptions in this environment, neither more nor fewer.
    pub(crate) fn occupy_subscriptions(&self, count: usize) {
        self.world().occupy(count);
        self.announce();
    }
}
