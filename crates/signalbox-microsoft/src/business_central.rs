//! The Business Central client: companies, records with their lines, listings for catch-ups, links for people.
//!
//! A record that is gone is `None`; a missing company or environment is an error that says what to correct.
//! Records come out mapped: enums decoded, blanks removed, totals of lines added (see [`EntitySet`]).

pub(crate) mod complete;
pub(crate) mod entities;
pub(crate) mod entity;
pub(crate) mod gone;
pub(crate) mod link;
pub(crate) mod listing;
pub(crate) mod lists;
pub(crate) mod looks;
pub(crate) mod mapping;
pub(crate) mod people;
pub(crate) mod record;
pub(crate) mod shipped;
pub(crate) mod subscriptions;
pub(crate) mod surroundings;
pub(crate) mod together;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use signalbox_core::Record;
use url::Url;
use uuid::Uuid;

use self::{
    entity::{Api, EntitySet},
    listing::Listing,
    subscriptions::{STANDARD_API, Subscriptions},
};
use crate::{
    entra::{TokenSource, claims::TokenClaims, error::EntraError},
    http::{Sender, errand::Errand, error::Error},
    odata::{
        Intent,
        pages::Pages,
        query::{literal, with_query},
    },
    service::{Service, join},
};

/// Where one environment of Business Central is.
#[derive(Debug, Clone)]
pub struct BusinessCentralOptions {
    /// The API up to and with the endpoint's version, for example `https://api.businesscentral.dynamics.com/v2.0`.
    pub api_base: Url,
    /// The scope of its tokens, for example `https://api.businesscentral.dynamics.com/.default`.
    pub scope: String,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The environment's name.
    pub environment: String,
    /// The web client, for example `https://businesscentral.dynamics.com`.
    pub web_client_base: Url,
}

/// A company of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// Its id, which outlives a rename.
    pub id: Uuid,
    /// Its name, unique in the environment.
    pub name: String,
    /// What people see; may be blank.
    #[serde(default)]
    pub display_name: String,
}

/// A company, by the id that APIs take and by the name that web services take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompanyKey<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its name. Only web services need it.
    pub name: &'a str,
}

/// One environment of Business Central.
#[derive(Debug, Clone)]
pub struct BusinessCentral {
    service: Service,
    /// `…/{tenant}/{environment}`
    root: Url,
    /// `…/{tenant}/{environment}/api/v2.0`
    base: Url,
    options: BusinessCentralOptions,
}

impl BusinessCentral {
    /// A client that asks with the tokens of `tokens`.
    pub fn new(options: BusinessCentralOptions, sender: Sender, tokens: Arc<TokenSource>) -> Self {
        let root = join(&options.api_base, [&*options.tenant, &options.environment]);
        Self {
            service: Service {
                sender,
                tokens,
                scope: options.scope.clone(),
            },
            base: join(&root, ["api", "v2.0"]),
            root,
            options,
        }
    }

    /// What the token that requests carry says about itself; `None` if it cannot be read.
    pub async fn token_claims(&self) -> Result<Option<TokenClaims>, EntraError> {
        self.service.tokens.claims(&self.service.scope).await
    }

    /// The scope of its tokens: the audience and `/.default`.
    pub fn scope(&self) -> &str {
        &self.service.scope
    }

    /// Every company that the app may see.
    pub async fn companies(&self, errand: Errand<'_>) -> Result<Vec<Company>, Error> {
        let url = with_query(
            join(&self.base, ["companies"]),
            &[("$select", "id,name,displayName")],
        );
        let pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        let records = pages.all(errand).await?;
        Ok(records.into_iter().filter_map(company).collect())
    }

    /// The records of a set that changed after `since`, or all of them, each as if it had been read alone.
    ///
    /// The order is that of the keys, not of the changes. `page_size` is in records. A set that does not tell when a
    /// record was changed is listed whole.
    pub fn changed(
        &self,
        set: &Arc<EntitySet>,
        company: CompanyKey<'_>,
        since: Option<Timestamp>,
        page_size: u32,
    ) -> Listing {
        let filter = since.zip(set.modified.as_deref());
        let filter = filter.map(|(since, modified)| format!("{modified} gt {since}"));
        self.listing(set, company, &filter.unwrap_or_default(), page_size)
    }

    /// The records of a set that only grows whose number is above `serial`.
    ///
    /// A set whose records have no numbers is listed whole. The order is that of the keys, not of the numbers.
    pub fn numbered_above(
        &self,
        set: &Arc<EntitySet>,
        company: CompanyKey<'_>,
        serial: i64,
        page_size: u32,
    ) -> Listing {
        let filter = set.serial.as_deref();
        let filter = filter.map(|field| format!("{field} gt {serial}"));
        self.listing(set, company, &filter.unwrap_or_default(), page_size)
    }

    /// The records of a set that `filter` lets through, in OData's language; all of them if it is empty.
    pub fn listing(
        &self,
        set: &Arc<EntitySet>,
        company: CompanyKey<'_>,
        filter: &str,
        page_size: u32,
    ) -> Listing {
        let (select, expand) = (set.selected(), set.expanded());
        let options = [
            ("$filter", filter),
            ("$select", &select),
            ("$expand", &expand),
        ];
        let url = with_query(self.set_url(set, company, ""), &options);
        let service = self.service.clone();
        let pages = Pages::new(service.clone(), url, Some(page_size), Intent::ReadOnly);
        Listing::new(service, pages, Arc::clone(set))
    }

    /// The subscriptions of this environment to sets of the standard API.
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        self.subscriptions_of(STANDARD_API)
    }

    /// The subscriptions of this environment to sets of `api`: `v2.0`, or `{publisher}/{group}/{version}`.
    pub fn subscriptions_of<'a>(&'a self, api: &'a str) -> Subscriptions<'a> {
        Subscriptions { client: self, api }
    }

    /// Where a person sees this record, if the set has a page and the record a number.
    pub fn web_link(&self, set: &EntitySet, company_name: &str, record: &Record) -> Option<Url> {
        link::web_link(&self.options, set, company_name, record)
    }

    /// Where `set` is in `company`; `key` follows its name.
    fn set_url(&self, set: &EntitySet, company: CompanyKey<'_>, key: &str) -> Url {
        let last = format!("{}{key}", set.segment());
        let by_id = format!("companies({})", company.id);
        match &set.api {
            Api::Standard => join(&self.base, [by_id.as_str(), &last]),
            Api::Custom { route } => {
                let route = ["api"].into_iter().chain(route.split('/'));
                join(&self.root, route.chain([by_id.as_str(), &last]))
            }
            Api::WebService { .. } => {
                let by_name = format!("Company({})", literal(company.name));
                join(&self.root, ["ODataV4", &by_name, &last])
            }
        }
    }

    /// `…/{tenant}/{environment}/api`
    fn api_root(&self) -> Url {
        join(&self.root, ["api"])
    }
}

fn company(record: Record) -> Option<Company> {
    serde_json::from_value(Value::Object(record)).ok()
}

/// The company of `listed` with this name or, failing that, this display name.
///
/// # Errors
/// [`Error::UnknownName`] and [`Error::AmbiguousName`], with the names that exist.
pub fn company_by_name<'a>(listed: &'a [Company], name: &str) -> Result<&'a Company, Error> {
    let by_name = listed.iter().find(|company| company.name == name);
    let mut by_display = listed.iter().filter(|company| company.display_name == name);
    match (by_name, by_display.next(), by_display.next()) {
        (Some(company), _, _) | (None, Some(company), None) => Ok(company),
        (None, Some(first), Some(second)) => Err(Error::AmbiguousName {
            kind: "company",
            name: name.to_owned(),
            candidates: vec![first.name.clone(), second.name.clone()],
        }),
        (None, None, _) => Err(unknown_company(listed, name.to_owned())),
    }
}

/// The company of `listed` with this id.
///
/// # Errors
/// [`Error::UnknownName`], with the names that exist.
pub fn company_by_id(listed: &[Company], id: Uuid) -> Result<&Company, Error> {
    let found = listed.iter().find(|company| company.id == id);
    found.ok_or_else(|| unknown_company(listed, id.to_string()))
}

fn unknown_company(listed: &[Company], name: String) -> Error {
    let known = listed.iter().take(10).map(|company| company.name.clone());
    Error::UnknownName {
        kind: "company",
        name,
        known: known.collect(),
    }
}

#[cfg(test)]
mod tests;
