//! What an app is started with, and the configuration that this becomes, as a user would write it.

use std::path::Path;

use signalbox_sim::{SimConfig, SimHandle};

use crate::RedisServer;

/// So fast that a probe of a faulty connection comes after 600 ms and a notification after 20 ms.
const TIME_SCALE: f64 = 0.002;

/// So long that it ends after every test.
pub(crate) const NEVER_SECS: u32 = 400 * 86_400;

/// What an app is started with.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The simulated cloud.
    pub cloud: SimConfig,
    /// The routes, as TOML.
    pub routes: String,
    /// More documents than this from one look are held.
    pub flood_limit: u32,
    /// How long a worker's lease lasts, in seconds.
    pub lease_secs: u32,
    /// How often a job is tried when the fault is its own.
    pub attempts: u32,
    /// How many reads a worker has under way at once.
    pub reads_at_once: u32,
    /// How long a request may take, in seconds.
    pub request_timeout_secs: u32,
    /// The largest card, in bytes.
    pub max_card_bytes: u32,
    /// How long a card may take to be seen, in seconds before scaling.
    pub visibility_delay_secs: u32,
    /// The secret of the credential, when it is not the cloud's.
    pub client_secret: Option<String>,
    /// How often every set is looked at, in seconds before scaling. By default never while a test lasts: a look between
    /// two requests of a test would take the fault that the second one is to meet.
    pub poll_secs: u32,
    /// The companies that are followed, as a line of TOML, when it is not the cloud's first one.
    pub companies: Option<String>,
    /// More lines for the connection to Business Central, as TOML.
    pub erp: String,
}

impl Default for Setting {
    fn default() -> Self {
        Self::routes(&[&route("invoices", "Approvals", "")])
    }
}

impl Setting {
    /// The usual setting with these routes.
    pub fn routes(routes: &[&str]) -> Self {
        let cloud = SimConfig {
            notification_delay: std::time::Duration::from_secs(10),
            // Limits are held by lanes, which have tests of their own.
            limits: true,
            ..SimConfig::at_scale(TIME_SCALE)
        };
        Self {
            cloud,
            routes: routes.concat(),
            flood_limit: 200,
            lease_secs: 10,
            attempts: 10,
            reads_at_once: 8,
            request_timeout_secs: 1,
            max_card_bytes: 24_000,
            visibility_delay_secs: 10,
            client_secret: None,
            poll_secs: NEVER_SECS,
            companies: None,
            erp: String::new(),
        }
    }

    fn companies(&self, sim: &SimHandle) -> String {
        let first = || format!("company = {:?}", sim.config().companies[0].name);
        self.companies.clone().unwrap_or_else(first)
    }

    pub(super) fn text(
        &self,
        sim: &SimHandle,
        redis: &RedisServer,
        folder: &Path,
        ingress: &str,
    ) -> String {
        let cloud = sim.config();
        let secret = self.client_secret.as_ref().unwrap_or(&cloud.client_secret);
        format!(
            r#"
time_scale = {TIME_SCALE}
allow_plain_secrets = true
flood_limit = {flood_limit}
redis = {{ url = "{redis}" }}
data = {{ dir = "{folder}" }}
ingress = {{ public_url = "{ingress}" }}
http = {{ request_timeout_secs = {request_timeout} }}
worker = {{ lease_secs = {lease}, attempts = {attempts}, concurrency = {{ read = {reads} }} }}

[credentials.demo]
tenant_id = "{tenant}"
client_id = "{client_id}"
client_secret = "{secret}"
authority = "{entra}"

[connections.erp]
kind = "business-central"
credential = "demo"
environment = "{environment}"
{companies}
api_url = "{business_central}"
poll_secs = {poll_secs}
poll_alone_secs = {poll_secs}
{erp}

[connections.teams]
kind = "teams"
credential = "demo"
service_url = "{bot}"
graph_url = "{graph}"
max_card_bytes = {max_card_bytes}
visibility_delay_secs = {visibility}
{routes}"#,
            flood_limit = self.flood_limit,
            redis = redis.url(),
            folder = folder.display(),
            request_timeout = self.request_timeout_secs,
            lease = self.lease_secs,
            attempts = self.attempts,
            reads = self.reads_at_once,
            tenant = cloud.tenant,
            client_id = cloud.client_id,
            entra = sim.entra_url(),
            environment = cloud.environment,
            companies = self.companies(sim),
            business_central = sim.business_central_url(),
            poll_secs = self.poll_secs,
            erp = self.erp,
            bot = sim.bot_url(),
            graph = sim.graph_url().trim_end_matches("/v1.0"),
            max_card_bytes = self.max_card_bytes,
            visibility = self.visibility_delay_secs,
            routes = self.routes,
        )
    }
}

/// A route for open and paid invoices to a channel of the team `Finance`; `more` overrides or adds lines.
pub fn route(name: &str, channel: &str, more: &str) -> String {
    let when = if more.contains("when = ") {
        ""
    } else {
        "when = \"record.status in ['Open', 'Paid']\""
    };
    format!(
        r#"
[routes.{name}]
from = {{ connection = "erp", entity = "purchaseInvoices" }}
to = {{ connection = "teams", team = "Finance", channel = "{channel}", card = "purchase-invoice" }}
{when}
{more}
"#
    )
}
