//! The companies of an environment, found by name once and known by id from then on.

use jiff::Timestamp;
use signalbox_config::{Companies, Company};
use signalbox_core::{COMPANIES, CompanyAddress, JobError, KnownCompany};
use signalbox_microsoft::Company as Listed;

use super::Round;
use crate::fault;

impl Round<'_> {
    /// The companies that are followed, entered in the register.
    pub(super) async fn companies(&self) -> Result<Vec<CompanyAddress>, JobError> {
        let listed = self.source.list_companies(&self.way).await?;
        let now = self.context.clock.now();
        let mut addresses = Vec::new();
        for (company, configured) in self.chosen(&listed).await? {
            let known = self.known(&company, configured, now);
            addresses.push(known.address.clone());
            self.enter(known).await?;
        }
        Ok(addresses)
    }

    /// The companies that the configuration means, with what it calls them.
    async fn chosen(&self, listed: &[Listed]) -> Result<Vec<(Listed, Option<String>)>, JobError> {
        let named = match &self.source.companies {
            Companies::All => {
                return Ok(listed
                    .iter()
                    .map(|company| (company.clone(), None))
                    .collect());
            }
            Companies::Named(named) => named,
        };
        let mut chosen = Vec::new();
        for wanted in named {
            let (found, configured) = match wanted {
                Company::Id(id) => (
                    signalbox_microsoft::company_by_id(listed, *id),
                    id.to_string(),
                ),
                Company::Name(name) => (
                    signalbox_microsoft::company_by_name(listed, name),
                    name.clone(),
                ),
            };
            match found {
                Ok(company) => chosen.push((company.clone(), Some(configured))),
                Err(error) => return Err(self.way.fault(error).await),
            }
        }
        Ok(chosen)
    }

    fn known(&self, company: &Listed, configured: Option<String>, now: Timestamp) -> KnownCompany {
        KnownCompany {
            address: self.source.address(company.id),
            name: company.name.clone(),
            configured,
            since: now,
            left: None,
        }
    }

    async fn enter(&self, company: KnownCompany) -> Result<(), JobError> {
        let address = &company.address;
        let key = KnownCompany::key(&address.connection, &address.environment, address.company);
        let register = self.context.queue.register(COMPANIES);
        let entered = register.update(&key, |old: Option<KnownCompany>| {
            let since = old.map_or(company.since, |old| old.since);
            Some(KnownCompany {
                since,
                ..company.clone()
            })
        });
        entered.await.map(drop).map_err(fault::queue)
    }
}
