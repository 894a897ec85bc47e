//! The companies of an environment, found by name once and known by id from then on.
//!
//! One that cannot be found is told and keeps no other from being followed. Only where none is left the connection is
//! at fault.

mod naming;

use std::collections::{BTreeMap, BTreeSet};

use signalbox_core::{COMPANIES, CompanyAddress, JobError, KnownCompany};
use uuid::Uuid;

use self::naming::{Named, Telling};
use super::Round;
use crate::fault;

/// The companies of an environment.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Those that are followed, in the order of the configuration.
    pub(super) addresses: Vec<CompanyAddress>,
    /// What each is called.
    pub(super) names: BTreeMap<Uuid, String>,
    /// Those that nobody asks to follow any more. One that is only not seen is not among them.
    pub(super) dismissed: BTreeSet<Uuid>,
}

impl Round<'_> {
    /// The companies that are followed, entered in the register.
    pub(super) async fn companies(&self) -> Result<Followed, JobError> {
        let listed = self.source.list_companies(&self.way).await?;
        let known = self.known_companies().await?;
        let found = naming::follow(&self.source.companies, &listed, &known);
        for telling in &found.tellings {
            self.tell(telling);
        }
        if found.named.is_empty()
            && let Some(error) = found.error
        {
            return Err(self.way.fault(error).await);
        }
        let mut followed = Followed::default();
        for Named {
            id,
            name,
            configured,
        } in found.named
        {
            let address = self.source.address(id);
            followed.addresses.push(address.clone());
            followed.names.insert(id, name.clone());
            let company = KnownCompany {
                address,
                name,
                configured,
                since: self.context.clock.now(),
                left: None,
            };
            self.enter(company).await?;
        }
        for (id, why) in found.left {
            if let Some(company) = known.iter().find(|one| one.address.company == id) {
                let left = KnownCompany {
                    left: Some(why.reason),
                    ..company.clone()
                };
                if why.is_dismissed {
                    followed.dismissed.insert(id);
                }
                self.enter(left).await?;
            }
        }
        Ok(followed)
    }

    /// What the register knows of this environment.
    async fn known_companies(&self) -> Result<Vec<KnownCompany>, JobError> {
        let register = self.context.queue.register(COMPANIES);
        let all = register
            .list::<KnownCompany>()
            .await
            .map_err(fault::queue)?;
        let all = all.into_iter().map(|(_, company)| company);
        let ours = all.filter(|company| {
            company.address.connection == self.source.connection
                && company.address.environment == self.source.environment
        });
        Ok(ours.collect())
    }

    fn tell(&self, telling: &Telling) {
        let (connection, environment) = (&self.source.connection, &self.source.environment);
        if telling.needs_a_person {
            tracing::error!(
                connection.name = %connection,
                environment.name = environment,
                "{}",
                telling.text
            );
        } else {
            tracing::warn!(
                connection.name = %connection,
                environment.name = environment,
                "{}",
                telling.text
            );
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
