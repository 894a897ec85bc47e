//! `[connections.NAME]` of kind `business-central`: companies of one or several environments.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use serde::Deserialize;
use signalbox_core::{CronPattern, LaneLimits, Zone};
use uuid::Uuid;

use crate::{BaseUrl, Credential, Endpoints, Entity, entity::EntitySection, span};

/// A company, by name or by id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Company {
    /// By id, which survives a rename.
    Id(Uuid),
    /// By name.
    Name(String),
}

impl From<String> for Company {
    fn from(text: String) -> Self {
        // A company may be called anything, but nobody calls one by a GUID.
        match text.trim_matches(['{', '}']).parse() {
            Ok(id) => Self::Id(id),
            Err(_) => Self::Name(text),
        }
    }
}

/// Which companies of an environment are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Companies {
    /// Every company that the application may see, those included that come later.
    All,
    /// These.
    Named(Vec<Company>),
}

/// How sets are looked at whatever was notified.
#[derive(Debug, Clone)]
pub struct Polling {
    /// How often a set with a subscription is looked at, before `time_scale`.
    pub every: Duration,
    /// How often a set without one is, before `time_scale`.
    pub alone: Duration,
    /// How far each look goes back behind the one before, because rows are committed later than they are stamped.
    pub overlap: Duration,
    /// What changed more recently is left to notifications and to the next look.
    pub lag: Duration,
    /// When the ids of every set are compared, to find what was deleted.
    pub sweep: CronPattern,
    /// On whose clock that is.
    pub sweep_zone: Zone,
}

/// A connection to Business Central.
#[derive(Debug, Clone)]
pub struct BusinessCentral {
    /// Who asks.
    pub credential: Arc<Credential>,
    /// The environments' names; at least one.
    pub environments: Vec<String>,
    /// The companies of each of them.
    pub companies: Companies,
    /// The API, without version, tenant and environment.
    pub api_url: BaseUrl,
    /// The web client, for links in cards.
    pub web_client_url: BaseUrl,
    /// The OAuth scope of its tokens.
    pub scope: &'static str,
    /// Requests in flight at once.
    pub max_in_flight: NonZeroU32,
    /// What the environment allows per time, before `time_scale`.
    pub limits: LaneLimits,
    /// Records per page.
    pub page_size: NonZeroU32,
    /// Looks at whole sets.
    pub polling: Polling,
    /// Subscriptions that an environment allows, those of others among them.
    pub max_subscriptions: NonZeroU32,
    /// Whether dimensions are read along.
    pub dimensions: bool,
    /// Entity sets beside those that come with Signalbox, by name.
    pub entities: BTreeMap<String, Entity>,
    /// How long a whole request may take.
    pub request_timeout: Duration,
}

impl BusinessCentral {
    /// The environment that jobs of releases mean which knew only one.
    pub fn first_environment(&self) -> &str {
        self.environments.first().map_or("", String::as_str)
    }
}

/// The connection as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusinessCentralSection {
    /// Read before, to know that this is the struct to read into.
    #[serde(rename = "kind")]
    _kind: String,
    pub(crate) credential: String,
    environment: Option<String>,
    environments: Option<Vec<String>>,
    company: Option<Company>,
    companies: Option<CompaniesSection>,
    api_url: Option<BaseUrl>,
    web_client_url: Option<BaseUrl>,
    max_in_flight: NonZeroU32,
    limits: LaneLimits,
    #[serde(deserialize_with = "page_size")]
    page_size: NonZeroU32,
    #[serde(deserialize_with = "span::seconds")]
    poll_secs: Duration,
    #[serde(deserialize_with = "span::seconds")]
    poll_alone_secs: Duration,
    #[serde(deserialize_with = "span::seconds")]
    poll_overlap_secs: Duration,
    #[serde(deserialize_with = "span::seconds")]
    poll_lag_secs: Duration,
    sweep_cron: CronPattern,
    sweep_time_zone: Zone,
    max_subscriptions: NonZeroU32,
    dimensions: bool,
    #[serde(default)]
    pub(crate) entities: BTreeMap<String, EntitySection>,
    #[serde(
        default,
        rename = "request_timeout_secs",
        deserialize_with = "span::seconds_if_given"
    )]
    request_timeout: Option<Duration>,
}

/// `companies`: a list, or `"all"`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "neither a list of companies nor \"all\"")]
enum CompaniesSection {
    Word(String),
    List(Vec<Company>),
}

/// What is wrong with a pair of keys: the key, why, and what to write.
pub(crate) type Wrong = (&'static str, &'static str, &'static str);

impl BusinessCentralSection {
    pub(crate) fn resolve(
        self,
        credential: Arc<Credential>,
        entities: BTreeMap<String, Entity>,
        endpoints: &Endpoints,
        timeout: Duration,
    ) -> Result<BusinessCentral, Wrong> {
        let environments = environments(self.environment, self.environments)?;
        let companies = companies(self.company, self.companies)?;
        Ok(BusinessCentral {
            credential,
            environments,
            companies,
            api_url: self
                .api_url
                .unwrap_or_else(|| endpoints.business_central_api.clone()),
            web_client_url: self
                .web_client_url
                .unwrap_or_else(|| endpoints.business_central_web.clone()),
            scope: endpoints.business_central_scope,
            max_in_flight: self.max_in_flight,
            limits: self.limits,
            page_size: self.page_size,
            polling: Polling {
                every: self.poll_secs,
                alone: self.poll_alone_secs,
                overlap: self.poll_overlap_secs,
                lag: self.poll_lag_secs,
                sweep: self.sweep_cron,
                sweep_zone: self.sweep_time_zone,
            },
            max_subscriptions: self.max_subscriptions,
            dimensions: self.dimensions,
            entities,
            request_timeout: self.request_timeout.unwrap_or(timeout),
        })
    }
}

fn environments(one: Option<String>, many: Option<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let fix = "write `environment = \"NAME\"`, or `environments = [\"NAME\", \"NAME\"]`";
    let names = match (one, many) {
        (Some(one), None) => vec![one],
        (None, Some(many)) => many,
        (None, None) => return Err(("environment", "is missing", fix)),
        (Some(_), Some(_)) => {
            return Err(("environments", "stands beside `environment`", fix));
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    let fine = |name: &String| !name.trim().is_empty() && seen.insert(name.to_lowercase());
    if names.is_empty() || !names.iter().all(fine) {
        return Err(("environments", "names none, a blank one, or one twice", fix));
    }
    Ok(names)
}

fn companies(one: Option<Company>, many: Option<CompaniesSection>) -> Result<Companies, Wrong> {
    let fix =
        "write `company = \"NAME\"`, `companies = [\"NAME\", \"NAME\"]` or `companies = \"all\"`";
    match (one, many) {
        (Some(one), None) => Ok(Companies::Named(vec![one])),
        (None, Some(CompaniesSection::Word(word))) if word == "all" => Ok(Companies::All),
        (None, Some(CompaniesSection::List(many))) if !many.is_empty() => {
            Ok(Companies::Named(many))
        }
        (None, Some(_)) => Err(("companies", "names no company", fix)),
        (None, None) => Err(("company", "is missing", fix)),
        (Some(_), Some(_)) => Err(("companies", "stands beside `company`", fix)),
    }
}

/// Business Central gives at most 20,000 records per page (facts, Business Central §4).
fn page_size<'de, D: serde::Deserializer<'de>>(input: D) -> Result<NonZeroU32, D::Error> {
    let size = NonZeroU32::deserialize(input)?;
    (size.get() <= 20_000).then_some(size).ok_or_else(|| {
        serde::de::Error::custom(
            "is more than Business Central gives; write a number from 1 to 20000",
        )
    })
}
