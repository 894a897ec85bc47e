//! What administrators and operators do to Business Central, and being restarted.

use std::sync::Arc;
use std::time::Duration;

use super::SimHandle;
use crate::business_central::EnvironmentError;
use crate::config::CompanySpec;

impl SimHandle {
    /// A handle whose verbs and subscriptions are those of another environment. It stays with
    /// the environment when that is renamed; record, faults and verdict are the same for all.
    pub fn in_environment(&self, name: &str) -> Result<Self, EnvironmentError> {
        Ok(Self {
            shared: self.shared.in_environment(name)?,
            guard: Arc::clone(&self.guard),
        })
    }

    /// Name of the environment in which this handle's verbs act.
    pub fn environment(&self) -> String {
        self.shared.world().environment().to_owned()
    }

    /// Copies the data of `from` over `to`, which becomes a new sandbox if there is none of
    /// that name: same ids, and none of the webhook subscriptions of either.
    pub fn copy_environment(&self, from: &str, to: &str) -> Result<(), EnvironmentError> {
        self.shared.copy_environment(from, to)
    }

    /// Renames an environment: the old name is answered with 404 `NoEnvironment`.
    pub fn rename_environment(&self, from: &str, to: &str) -> Result<(), EnvironmentError> {
        self.shared.rename_environment(from, to)
    }

    /// Adds an empty company.
    pub fn add_company(&self, spec: CompanySpec) -> Result<CompanySpec, EnvironmentError> {
        self.shared.add_company(spec)
    }

    /// Renames the company of this id or name; its id stays.
    pub fn rename_company(
        &self,
        company: &str,
        name: &str,
    ) -> Result<CompanySpec, EnvironmentError> {
        self.shared.rename_company(company, name)
    }

    /// Deletes a company and makes an empty one of the same name under a new id.
    pub fn recreate_company(&self, company: &str) -> Result<CompanySpec, EnvironmentError> {
        self.shared.recreate_company(company)
    }

    /// Takes this handle's environment out of service for so long, unscaled: requests are
    /// refused as `maintenance` of the configuration says, and no notification is sent.
    pub fn maintain(&self, span: Duration) {
        self.shared.maintain(span);
    }

    /// Goes away for `pause`, unscaled, and comes back: connections are reset and the port
    /// is closed, everything that the cloud contains stays. Ends when it is back.
    pub async fn restart(&self, pause: Duration) {
        self.shared.restart(pause).await;
    }
}
