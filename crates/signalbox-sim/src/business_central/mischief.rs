//! What goes wrong with webhooks on request.

use super::environments::EnvironmentError;
use super::webhooks::{Lots, WebhookCounts};
use crate::clock;
use crate::config::Share;
use crate::state::Shared;

/// What a test does to the webhooks of this environment.
impl Shared {
    /// Loses this share of the changes from now on, or none.
    pub(crate) fn drop_notifications(&self, share: Option<Share>) {
        self.world().erp.webhooks.dropping = Lots::of(share);
    }

    /// Sends this share of the acknowledged notifications again from now on, or none.
    pub(crate) fn double_notifications(&self, share: Option<Share>) {
        self.world().erp.webhooks.doubling = Lots::of(share);
    }

    /// Lets the next acknowledgements come after the limit: the whole backlog is sent again.
    pub(crate) fn late_answers(&self, count: u64) {
        self.world().erp.webhooks.late_answers = count;
    }

    /// Lets the subscriptions of a set in a company expire now; says how many there are.
    pub(crate) fn expire_subscription(
        &self,
        company: Option<&str>,
        set: &str,
    ) -> Result<usize, EnvironmentError> {
        let mut world = self.world();
        let missing = || EnvironmentError::NoSuchCompany(company.unwrap_or_default().to_owned());
        let index = world.erp.company_index(company).ok_or_else(missing)?;
        let company = world.erp.companies[index].id;
        let now = clock::now();
        let subscriptions = world.erp.subscriptions.values_mut();
        let expired = subscriptions
            .filter(|one| one.company == company && one.set == set && one.expires > now)
            .map(|one| one.expires = now)
            .count();
        drop(world);
        self.announce();
        Ok(expired)
    }

    /// Offers a resource to subscribers, or withdraws it; says whether that changed anything.
    pub(crate) fn offer_resource(&self, resource: &str, offered: bool) -> bool {
        let resources = &mut self.world().erp.webhooks.resources;
        if offered {
            resources.insert(resource.to_owned())
        } else {
            resources.remove(resource)
        }
    }

    /// What was done to notifications, over all environments.
    pub(crate) fn webhook_counts(&self) -> WebhookCounts {
        self.world().webhook_counts()
    }
}
