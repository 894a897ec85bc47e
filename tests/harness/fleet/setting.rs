//! A fleet's cloud, and the configuration that leads to it, as a user would write it.

use std::{net::SocketAddr, path::Path, time::Duration};

use signalbox_sim::{SimConfig, SimHandle, TeamSpec};

use crate::app::NEVER_SECS;

/// A hundred times as fast as the real cloud: a card is visible after 100 ms instead of 10 s.
const TIME_SCALE: f64 = 0.01;

/// What differs between fleets.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Purchasers, each with a route and a channel.
    pub channels: usize,
    /// How long a dead worker's jobs stay with it, in seconds. The least by default, so that proofs are quick.
    pub lease_secs: u32,
    /// How long a request may take, in seconds, which is also how long the fate of a post is unknown.
    pub request_timeout_secs: u32,
    /// What the cloud waits before every answer. With some of it a kill finds work under way.
    pub answers_after: Duration,
    /// Whether subscriptions live for three real days, as those do that alerts are about.
    pub real_subscriptions: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            channels: 40,
            lease_secs: 1,
            request_timeout_secs: 2,
            answers_after: Duration::ZERO,
            real_subscriptions: false,
        }
    }
}

impl Setting {
    /// The simulated cloud.
    pub(super) fn cloud(&self) -> SimConfig {
        let team = (1..=self.channels).fold(TeamSpec::named("Finance"), |team, number| {
            team.with_channel(channel(number))
        });
        let cloud = SimConfig {
            teams: vec![team],
            latency: self.answers_after,
            ..SimConfig::at_scale(TIME_SCALE)
        };
        if self.real_subscriptions {
            cloud.with_real_subscriptions()
        } else {
            cloud
        }
    }

    /// The text of `signalbox.toml`.
    pub(super) fn config(&self, sim: &SimHandle, dir: &Path, ingress: SocketAddr) -> String {
        let routes: String = (1..=self.channels).map(route).collect();
        self.places(sim, dir, ingress) + &self.connections(sim) + &routes
    }

    fn places(&self, sim: &SimHandle, dir: &Path, ingress: SocketAddr) -> String {
        let data = dir.join("data");
        let cloud = sim.config();
        format!(
            r#"
time_scale = {TIME_SCALE}
allow_plain_secrets = true

[data]
dir = "{data}"

[redis]
memory_mib = 512

[ingress]
bind = "{ingress}"
public_url = "http://{ingress}"

[worker]
lease_secs = {lease}

[observe]
bind = "127.0.0.1:0"
log_level = "warn"

[credentials.sim]
tenant_id = "{tenant}"
client_id = "{client_id}"
client_secret = "{client_secret}"
client_secret_expires = "2100-01-31"
authority = "{entra}"
"#,
            data = data.display(),
            lease = self.lease_secs,
            tenant = cloud.tenant,
            client_id = cloud.client_id,
            client_secret = cloud.client_secret,
            entra = sim.entra_url(),
        )
    }

    fn connections(&self, sim: &SimHandle) -> String {
        let cloud = sim.config();
        format!(
            r#"
[connections.erp]
kind = "business-central"
credential = "sim"
environment = "{environment}"
company = "{company}"
api_url = "{business_central}"
request_timeout_secs = {timeout}
poll_secs = {never}
poll_alone_secs = {never}

[connections.teams]
kind = "teams"
credential = "sim"
service_url = "{bot}"
graph_url = "{graph}"
request_timeout_secs = {timeout}
"#,
            environment = cloud.environment,
            company = cloud.companies[0].name,
            business_central = sim.business_central_url(),
            bot = sim.bot_url(),
            graph = sim.graph_url().trim_end_matches("/v1.0"),
            timeout = self.request_timeout_secs,
            // Looks between the requests of a scenario would take the faults that those are to meet.
            never = NEVER_SECS,
        )
    }
}

fn route(number: usize) -> String {
    let channel = channel(number);
    format!(
        r#"
[routes.purchaser-{number:02}]
from = {{ connection = "erp", entity = "purchaseInvoices" }}
when = "record.purchaser == 'P{number:02}' and record.status in ['Open', 'Paid']"
once = "record.status"
to = {{ connection = "teams", team = "Finance", channel = "{channel}", card = "purchase-invoice" }}
"#
    )
}

fn channel(number: usize) -> String {
    format!("Purchaser {number:02}")
}
