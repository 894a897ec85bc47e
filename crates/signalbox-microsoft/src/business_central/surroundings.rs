//! What is around the records: what an environment lets one subscribe to, and which environments there are.
//!
//! Both may be missing or refused without anything being wrong; then they are not known.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::BusinessCentral;
use crate::{
    http::{errand::Errand, error::Error},
    odata::{Intent, pages::Pages},
    service::join,
};

/// Where an environment tells what can be subscribed to, below `…/api/` (facts, Business Central §2.4).
const RUNTIME: [&str; 3] = ["microsoft", "runtime", "beta"];

impl BusinessCentral {
    /// The sets of `company` that can be subscribed to, as `v2.0/vendors` or `{publisher}/{group}/{version}/{set}`;
    /// `None` if the environment does not tell.
    ///
    /// The list, and not the documentation, is the truth of an environment. It is asked for whole: the filter of the
    /// documentation takes a wildcard that is no OData.
    pub async fn supported_resources(
        &self,
        company: Uuid,
        errand: Errand<'_>,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let company = format!("companies({company})");
        let below = [company.as_str(), "webhookSupportedResources"];
        let url = join(&self.api_root(), RUNTIME.into_iter().chain(below));
        let told = self.column(url, "resource", errand).await;
        known(told.map(|names| names.into_iter().collect()))
    }

    /// The names of the tenant's environments; `None` if the application may not see them.
    pub async fn environments(&self, errand: Errand<'_>) -> Result<Option<Vec<String>>, Error> {
        known(self.column(self.environments_url(), "name", errand).await)
    }

    /// It stands beside the endpoint's version, which is the last segment of the base (facts, Business Central §1.1).
    fn environments_url(&self) -> Url {
        let mut url = self.options.api_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().pop();
        }
        join(&url, ["environments", "v1.2"])
    }

    async fn column(
        &self,
        url: Url,
        field: &str,
        errand: Errand<'_>,
    ) -> Result<Vec<String>, Error> {
        let pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        let records = pages.all(errand).await?;
        let texts = records.into_iter().filter_map(|mut record| {
            let Value::String(text) = record.remove(field)? else {
                return None;
            };
            Some(text)
        });
        Ok(texts.collect())
    }
}

/// A refusal of the question is an answer, and so is one that makes no sense; an outage is not.
fn known<T>(told: Result<T, Error>) -> Result<Option<T>, Error> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(error) if error.code() == Some("NoEnvironment") => Err(error),
        Err(
            Error::NotFound { .. }
            | Error::Forbidden { .. }
            | Error::Rejected { .. }
            | Error::Garbled { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
