//! What is to be subscribed to, in the order in which it counts, and what the source has.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_core::{CompanyAddress, JobError, Subscription};
use signalbox_microsoft::{Error, STANDARD_API};
use uuid::Uuid;

use super::{
    Round,
    plan::{Listed, Wish},
};
use crate::{fault, source::Supported};

/// Companies whose supported resources are asked for in one round; those of the others are taken as they come.
const MOST_QUESTIONS: usize = 50;

impl Round<'_> {
    /// Enters a record for every set that has none. What changes from now on is for the first catch-up.
    pub(super) async fn begin(&self, companies: &[CompanyAddress]) -> Result<(), JobError> {
        let (records, _) = self.records().await?;
        let known: BTreeSet<(Uuid, &str)> = records
            .iter()
            .map(|one| (one.company, one.set.as_str()))
            .collect();
        let now = self.context.clock.now();
        for (company, set) in self.sets(companies) {
            if !known.contains(&(company.company, set.as_str())) {
                let key = format!("{set}-{}", Uuid::new_v4().simple());
                let record = Subscription::begun(company, &set, key, now);
                self.change(&record, |_| {}).await?;
            }
        }
        Ok(())
    }

    /// The records of this environment, and the keys of all of the connection.
    pub(super) async fn records(&self) -> Result<(Vec<Subscription>, BTreeSet<String>), JobError> {
        let all = self.register.list::<Subscription>().await;
        let all = all.map_err(fault::queue)?.into_iter().map(|(_, one)| one);
        let connection = &self.source.connection;
        let ours: Vec<_> = all.filter(|one| one.connection == *connection).collect();
        let keys = ours.iter().map(|one| one.key.clone()).collect();
        let first = self.context.sources.get(connection, None);
        let first = first.map(|source| source.environment.as_str());
        let is_here = |record: &Subscription| {
            let named = record.environment.as_deref().or(first);
            named == Some(self.source.environment.as_str())
        };
        Ok((ours.into_iter().filter(is_here).collect(), keys))
    }

    /// The wishes, the most important one first: by the first route that listens to the set, then by company.
    pub(super) async fn wishes(
        &self,
        companies: &[CompanyAddress],
    ) -> Result<(Vec<Wish>, Vec<Listed>), JobError> {
        let mut wishes = Vec::new();
        let mut apis = BTreeSet::from([STANDARD_API.to_owned()]);
        let told = self.supported(companies).await?;
        for set in self.sets_in_order() {
            let entity = self.source.entities.get(&set);
            let resource = entity.and_then(|entity| entity.webhook_resource());
            let api = resource.as_deref().and_then(|text| text.rsplit_once('/'));
            let api = api.map(|(api, _)| api.to_owned());
            apis.extend(api.clone());
            for company in companies {
                let unable = match (&resource, told.get(&company.company)) {
                    (None, _) => Some("a web service has no notifications".to_owned()),
                    (Some(resource), Some(told)) if !told.contains(&resource.to_lowercase()) => {
                        Some(format!(
                            "the environment does not offer notifications of `{resource}`"
                        ))
                    }
                    _ => None,
                };
                wishes.push(Wish {
                    company: company.clone(),
                    set: set.clone(),
                    api: api.clone().unwrap_or_else(|| STANDARD_API.to_owned()),
                    unable,
                });
            }
        }
        let listed = self.listed(&apis, &mut wishes).await?;
        Ok((wishes, listed))
    }

    fn sets_in_order(&self) -> Vec<String> {
        let mut sets: Vec<String> = Vec::new();
        let routes = self.context.routes.iter();
        for route in routes.filter(|route| route.source == self.source.connection) {
            if !sets.contains(&route.set) {
                sets.push(route.set.clone());
            }
        }
        sets
    }

    /// What each company lets one subscribe to, in lower case, as far as it tells.
    async fn supported(
        &self,
        companies: &[CompanyAddress],
    ) -> Result<BTreeMap<Uuid, BTreeSet<String>>, JobError> {
        let now = self.context.clock.now();
        let mut told = BTreeMap::new();
        let mut questions = 0;
        for company in companies.iter().map(|address| address.company) {
            let supported = match self.source.supported(company, now) {
                Some(known) => known,
                None if questions == MOST_QUESTIONS => continue,
                None => {
                    questions += 1;
                    self.ask_supported(company).await?
                }
            };
            if let Supported::These(resources) = supported {
                told.insert(company, resources);
            }
        }
        Ok(told)
    }

    async fn ask_supported(&self, company: Uuid) -> Result<Supported, JobError> {
        let client = &self.source.client;
        let asked = client.supported_resources(company, self.way.errand());
        let supported = match asked.await {
            Ok(Some(resources)) => {
                let lower = resources.into_iter().map(|one| one.to_lowercase());
                Supported::These(lower.collect())
            }
            Ok(None) => Supported::Untold,
            Err(error) if is_of_a_company(&error) => Supported::Untold,
            Err(error) => return Err(self.way.fault(error).await),
        };
        let until = self.context.after(super::LONGEST_PAUSE);
        let source = self.source;
        source.learn_supported(company, supported.clone(), until);
        Ok(supported)
    }

    /// What the source has. An API that refuses to list its subscriptions has none for us; the standard one must.
    async fn listed(
        &self,
        apis: &BTreeSet<String>,
        wishes: &mut [Wish],
    ) -> Result<Vec<Listed>, JobError> {
        let mut all = BTreeMap::new();
        // The standard one last, because it may show those of the others as well.
        let (standard, custom): (Vec<_>, Vec<_>) =
            apis.iter().partition(|api| *api == STANDARD_API);
        for api in custom.into_iter().chain(standard) {
            let asked = self.source.client.subscriptions_of(api);
            match asked.list(self.way.errand()).await {
                Ok(listed) => {
                    for subscription in listed {
                        let api = api.clone();
                        let shown = all.entry(subscription.id.clone());
                        shown.or_insert(Listed { api, subscription });
                    }
                }
                Err(error) if api != STANDARD_API && is_of_an_api(&error) => {
                    let reason =
                        format!("the API `{api}` does not list its subscriptions: {error}");
                    let barred = wishes.iter_mut().filter(|wish| wish.api == *api);
                    barred.for_each(|wish| wish.unable = Some(reason.clone()));
                }
                Err(error) => return Err(self.way.fault(error).await),
            }
        }
        Ok(all.into_values().collect())
    }

    /// The subscriptions that one API lists now.
    pub(super) async fn listed_at(&self, api: &str) -> Result<Vec<Listed>, JobError> {
        let subscriptions = self.source.client.subscriptions_of(api);
        match subscriptions.list(self.way.errand()).await {
            Ok(listed) => {
                let listed = listed.into_iter().map(|subscription| Listed {
                    api: api.to_owned(),
                    subscription,
                });
                Ok(listed.collect())
            }
            Err(error) => Err(self.way.fault(error).await),
        }
    }
}

/// Whether others may be answered although this company was not.
fn is_of_a_company(error: &Error) -> bool {
    error.code() == Some("Internal_CompanyNotFound")
}

/// Whether other APIs may list their subscriptions although this one did not.
fn is_of_an_api(error: &Error) -> bool {
    error.code() != Some("NoEnvironment")
        && matches!(
            error,
            Error::NotFound { .. } | Error::Forbidden { .. } | Error::Rejected { .. }
        )
}
