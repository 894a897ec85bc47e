//! Companies that come, are renamed and are made anew.
//!
//! A company's id outlives its name. A company that is deleted and made again under the
//! same name is another company: new id, no rows, and no subscription that named the old one.

use uuid::Uuid;

use super::environments::EnvironmentError;
use super::erp::Erp;
use crate::config::CompanySpec;
use crate::state::Shared;

impl Erp {
    fn named(&self, company: &str) -> Result<usize, EnvironmentError> {
        self.company_index(Some(company))
            .ok_or_else(|| EnvironmentError::NoSuchCompany(company.to_owned()))
    }

    fn check_free(&self, name: &str) -> Result<(), EnvironmentError> {
        if self.companies.iter().any(|company| company.name == name) {
            return Err(EnvironmentError::CompanyTaken(name.to_owned()));
        }
        Ok(())
    }

    /// Forgets what was subscribed and pending in a company that is gone.
    fn forget_company(&mut self, company: Uuid) {
        self.subscriptions
            .retain(|_, subscription| subscription.company != company);
        self.outboxes.retain(|(owner, _), _| *owner != company);
        self.webhooks.expired.retain(|(owner, _)| *owner != company);
    }
}

/// What an administrator does to companies of this environment.
impl Shared {
    /// Adds an empty company.
    pub(crate) fn add_company(&self, spec: CompanySpec) -> Result<CompanySpec, EnvironmentError> {
        let mut world = self.world();
        world.erp.check_free(&spec.name)?;
        world.erp.found_company(&spec);
        drop(world);
        self.announce();
        Ok(spec)
    }

    /// Gives a company another name; its id stays.
    pub(crate) fn rename_company(
        &self,
        company: &str,
        name: &str,
    ) -> Result<CompanySpec, EnvironmentError> {
        let mut world = self.world();
        let index = world.erp.named(company)?;
        world.erp.check_free(name)?;
        let renamed = &mut world.erp.companies[index];
        name.clone_into(&mut renamed.name);
        let spec = CompanySpec {
            id: renamed.id,
            name: name.to_owned(),
        };
        drop(world);
        self.announce();
        Ok(spec)
    }

    /// Deletes a company and makes one of the same name, with another id and no rows.
    pub(crate) fn recreate_company(&self, company: &str) -> Result<CompanySpec, EnvironmentError> {
        let mut world = self.world();
        let index = world.erp.named(company)?;
        let old = world.erp.companies.remove(index);
        world.erp.forget_company(old.id);
        let spec = CompanySpec {
            id: Uuid::new_v4(),
            name: old.name,
        };
        world.erp.found_company(&spec);
        // It keeps its place in listings and among the verbs' defaults.
        let made = world.erp.companies.pop();
        world.erp.companies.splice(index..index, made);
        drop(world);
        self.announce();
        Ok(spec)
    }
}
