//! An installation that follows several companies, and the cloud that they are in.

use std::{fmt::Write as _, net::SocketAddr, path::Path};

use anyhow::Result;
use signalbox_sim::{CompanySpec, SimConfig, SimHandle, TeamSpec};
use uuid::Uuid;

use super::{kinds::Kind, reader::Reader};
use crate::fleet::Fleet;

/// What the companies are called: words that no other text of a card holds.
const NAMES: [&str; 20] = [
    "Adatum",
    "Bellows",
    "Contoso",
    "Datum",
    "Eastside",
    "Fabrikam",
    "Graphic",
    "Humongous",
    "Island",
    "Jordan",
    "Keystone",
    "Litware",
    "Munson",
    "Northwind",
    "Overlook",
    "Proseware",
    "Quantum",
    "Relecloud",
    "Southridge",
    "Tailspin",
];

/// What differs between the installations of the scenarios.
#[derive(Debug, Clone)]
pub(super) struct House {
    /// How many companies are followed.
    pub(super) companies: usize,
    /// The entity sets, each with a route to a channel of its name.
    pub(super) kinds: Vec<&'static Kind>,
    /// How fast time runs.
    pub(super) time_scale: f64,
    /// Further lines of the connection to Business Central.
    pub(super) connection: String,
    /// What of the log is kept.
    pub(super) log_level: &'static str,
}

impl House {
    /// The cloud, unless a scenario wants it worse.
    pub(super) fn cloud(&self) -> SimConfig {
        let finance = TeamSpec::named("Finance");
        let team = (self.kinds.iter()).fold(finance, |team, kind| team.with_channel(kind.set));
        SimConfig {
            companies: self.companies(),
            colliding_series: true,
            teams: vec![team],
            // The scenarios judge by their own log.
            expected_statuses: Vec::new(),
            ..SimConfig::at_scale(self.time_scale)
        }
    }

    fn companies(&self) -> Vec<CompanySpec> {
        let names = NAMES.iter().take(self.companies);
        names.map(|name| CompanySpec::named(*name)).collect()
    }

    /// The ids of the companies, in order.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.companies().iter().map(|company| company.id).collect()
    }

    /// One who can read the cards.
    pub(super) fn reader(&self) -> Reader {
        let companies = self.companies().into_iter();
        Reader::of(companies.map(|company| (company.name, company.id)))
    }

    /// Cloud and configuration; nothing of ours runs yet.
    pub(super) async fn build(&self, cloud: SimConfig) -> Result<Fleet> {
        Fleet::prepare_as(cloud, |sim, dir, ingress| self.config(sim, dir, ingress)).await
    }

    fn config(&self, sim: &SimHandle, dir: &Path, ingress: SocketAddr) -> String {
        let cloud = sim.config();
        let names: Vec<&str> = NAMES.into_iter().take(self.companies).collect();
        let mut config = format!(
            r#"
time_scale = {time_scale}
allow_plain_secrets = true

[data]
dir = "{data}"

[redis]
memory_mib = 512

[ingress]
bind = "{ingress}"
public_url = "http://{ingress}"

[worker]
lease_secs = 2

[observe]
bind = "127.0.0.1:0"
log_level = "{log_level}"

[credentials.sim]
tenant_id = "{tenant}"
client_id = "{client_id}"
client_secret = "{client_secret}"
client_secret_expires = "2100-01-31"
authority = "{entra}"

[connections.erp]
kind = "business-central"
credential = "sim"
environment = "{environment}"
companies = {names:?}
api_url = "{business_central}"
request_timeout_secs = 5
{connection}

[connections.teams]
kind = "teams"
credential = "sim"
service_url = "{bot}"
graph_url = "{graph}"
request_timeout_secs = 5
"#,
            time_scale = self.time_scale,
            data = dir.join("data").display(),
            log_level = self.log_level,
            tenant = cloud.tenant,
            client_id = cloud.client_id,
            client_secret = cloud.client_secret,
            entra = sim.entra_url(),
            environment = cloud.environment,
            business_central = sim.business_central_url(),
            connection = self.connection,
            bot = sim.bot_url(),
            graph = sim.graph_url().trim_end_matches("/v1.0"),
        );
        for kind in &self.kinds {
            config.push_str(&route(kind));
        }
        config
    }
}

/// A route to the channel that is called as the set is.
fn route(kind: &Kind) -> String {
    let Kind { set, card, .. } = kind;
    let mut route = format!(
        r#"
[routes.{set}]
from = {{ connection = "erp", entity = "{set}" }}
to = {{ connection = "teams", team = "Finance", channel = "{set}", card = "{card}" }}
"#
    );
    if let Some(once) = kind.once {
        writeln!(route, "once = \"{once}\"").expect("a string takes text");
    }
    route
}
