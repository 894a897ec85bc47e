//! What goes wrong with webhooks on request, and how much of it did. All of it happens in
//! this handle's environment; what is counted is counted over all of them.

use super::SimHandle;
use crate::business_central::{EnvironmentError, WebhookCounts};
use crate::config::Share;

impl SimHandle {
    /// Lets others have so many of the environment's subscriptions, neither more nor fewer.
    pub fn occupy_subscriptions(&self, count: usize) {
        self.shared.occupy_subscriptions(count);
    }

    /// Loses this share of the changes from now on: no notification ever tells of them. `None`
    /// ends it.
    pub fn drop_notifications(&self, share: Option<Share>) {
        self.shared.drop_notifications(share);
    }

    /// Sends this share of the acknowledged notifications a second time, as a retry would.
    /// `None` ends it.
    pub fn double_notifications(&self, share: Option<Share>) {
        self.shared.double_notifications(share);
    }

    /// Lets the acknowledgements of the next so many notifications come after the limit: the
    /// whole backlog is sent again, with what has come since.
    pub fn late_answers(&self, count: u64) {
        self.shared.late_answers(count);
    }

    /// Lets the subscriptions of one set in one company expire now; nobody is told. The first
    /// company is meant if none is named by id or name. Says how many.
    pub fn expire_subscription(
        &self,
        company: Option<&str>,
        set: &str,
    ) -> Result<usize, EnvironmentError> {
        self.shared.expire_subscription(company, set)
    }

    /// Withdraws a resource such as `v2.0/purchaseOrders`: it cannot be subscribed to, and a
    /// subscription that exists is deleted by the next sending job. Says whether it was offered.
    pub fn withdraw_resource(&self, resource: &str) -> bool {
        self.shared.offer_resource(resource, false)
    }

    /// Offers a resource such as `contoso/finance/v1.0/ledgerEntries`. Says whether it is new.
    pub fn offer_resource(&self, resource: &str) -> bool {
        self.shared.offer_resource(resource, true)
    }

    /// What was done to notifications so far, and what subscriptions missed.
    pub fn webhook_counts(&self) -> WebhookCounts {
        self.shared.webhook_counts()
    }
}
