//! The demo's cloud and configuration: one company, forty purchasers, a channel for each.

use std::{fmt::Write as _, net::SocketAddr, path::Path};

use signalbox_config::{Config, Environment};
use signalbox_sim::{SimConfig, SimHandle, TeamSpec};

/// Purchasers, routes and channels.
pub(super) const CHANNELS: usize = 40;
/// A hundred times as fast as the real cloud: a notification comes after 300 ms instead of 30 s.
const TIME_SCALE: f64 = 0.01;

/// The simulated cloud.
pub(super) fn cloud() -> SimConfig {
    SimConfig {
        teams: vec![TeamSpec::named("Finance").with_purchasers(CHANNELS)],
        ..SimConfig::at_scale(TIME_SCALE)
    }
}

/// A configuration that leads to the simulated cloud, as a user would write it.
pub(super) fn config(
    sim: &SimHandle,
    data_dir: &Path,
    ingress: SocketAddr,
) -> anyhow::Result<Config> {
    let cloud = sim.config();
    let mut text = format!(
        r#"
time_scale = {TIME_SCALE}
allow_plain_secrets = true

[data]
dir = "{data_dir}"

[ingress]
public_url = "http://{ingress}"

[observe]
log_level = "error"

[credentials.demo]
tenant_id = "{tenant}"
client_id = "{client_id}"
client_secret = "{client_secret}"
authority = "{entra}"

[connections.erp]
kind = "business-central"
credential = "demo"
environment = "{environment}"
company = "{company}"
api_url = "{business_central}"

[connections.teams]
kind = "teams"
credential = "demo"
service_url = "{bot}"
graph_url = "{graph}"
"#,
        data_dir = data_dir.display(),
        tenant = cloud.tenant,
        client_id = cloud.client_id,
        client_secret = cloud.client_secret,
        entra = sim.entra_url(),
        environment = cloud.environment,
        company = cloud.companies[0].name,
        business_central = sim.business_central_url().trim_end_matches("/v2.0"),
        bot = sim.bot_url(),
        graph = sim.graph_url().trim_end_matches("/v1.0"),
    );
    for number in 1..=CHANNELS {
        write!(
            text,
            r#"
[routes.purchaser-{number:02}]
from = {{ connection = "erp", entity = "purchaseInvoices" }}
when = "record.purchaser == 'P{number:02}' and record.status in ['Open', 'Paid']"
once = "record.status"
to = {{ connection = "teams", team = "Finance", channel = "Purchaser {number:02}", card = "purchase-invoice" }}
"#
        )?;
    }
    Ok(Config::from_toml(&text, &Environment::from_process())?)
}
