//! What the simulated cloud contains and how fast its time runs.
//!
//! `SimConfig::default()` is a complete small tenant with fixed identifiers, so that a
//! test, a person with curl and a configuration file can all name the same things.
//! Durations are given as in reality and are multiplied by `time_scale` where used.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod environments;
mod webhooks;

pub use environments::{EnvironmentKind, EnvironmentSpec, MaintenanceAnswer};
pub use webhooks::{ResourceForm, Share};

/// Tenant of the default configuration.
pub const DEFAULT_TENANT: &str = "11111111-2222-3333-4444-555555555555";
/// Client id of the default configuration; it is the bot's app id as well.
pub const DEFAULT_CLIENT_ID: &str = "5f0c2d0e-1111-2222-3333-444455556666";
/// Client secret of the default configuration.
pub const DEFAULT_CLIENT_SECRET: &str = "simulated-client-secret";
/// Environment name of the default configuration.
pub const DEFAULT_ENVIRONMENT: &str = "Production";
/// Company id of the default configuration.
pub const DEFAULT_COMPANY_ID: Uuid = Uuid::from_u128(0x70c0_c603_f4f9_ef11_9344_6045_bdc8_c234);
/// Company name of the default configuration.
pub const DEFAULT_COMPANY_NAME: &str = "CRONUS USA, Inc.";

/// What an administrator has consented to in the default configuration.
const ROLES: [&str; 4] = [
    "API.ReadWrite.All",
    "Channel.ReadBasic.All",
    "ChannelMessage.Read.All",
    "Team.ReadBasic.All",
];

/// A company of the Business Central environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CompanySpec {
    /// Company id, as in `companies({id})`.
    pub id: Uuid,
    /// Company name.
    pub name: String,
}

impl CompanySpec {
    /// A company whose id follows from its name, so that it is the same in every run.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
            name,
        }
    }
}

/// A channel of a team.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ChannelSpec {
    /// Channel id, `19:…@thread.tacv2`.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// A team with its channels.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TeamSpec {
    /// Team id.
    pub id: Uuid,
    /// Display name. As in reality, names need not be unique.
    pub name: String,
    /// Whether the bot is installed; without it a post gets 403 `BotNotInConversationRoster`.
    pub bot_installed: bool,
    /// Channels of the team.
    pub channels: Vec<ChannelSpec>,
}

impl TeamSpec {
    /// A team with the bot installed and no channels; its id follows from its name.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        let id = Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes());
        Self {
            id,
            name,
            bot_installed: true,
            channels: Vec::new(),
        }
    }

    /// Adds a channel, whose id follows from the team's id and its name.
    #[must_use]
    pub fn with_channel(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let id = channel_id(self.id, &name);
        self.channels.push(ChannelSpec { id, name });
        self
    }

    /// Adds a channel `Purchaser 01`, `Purchaser 02`, … for each of so many purchasers of the traffic.
    #[must_use]
    pub fn with_purchasers(self, purchasers: usize) -> Self {
        (1..=purchasers).fold(self, |team, number| {
            team.with_channel(format!("Purchaser {number:02}"))
        })
    }
}

/// The channel id that a channel of this name gets when none is given.
pub(crate) fn channel_id(team: Uuid, name: &str) -> String {
    format!(
        "19:{}@thread.tacv2",
        Uuid::new_v5(&team, name.as_bytes()).simple()
    )
}

/// Everything that is decided before the simulator starts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in a configuration, not a state"
)]
pub struct SimConfig {
    /// Address to listen on; port 0 takes any free one.
    pub bind: SocketAddr,
    /// Factor on every delay, window, expiry and visibility: 0.01 makes 30 s into 300 ms.
    pub time_scale: f64,
    /// Entra tenant id.
    pub tenant: String,
    /// Client id that may ask for tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// App id of the bot, named as author of its messages by Graph.
    pub bot_app_id: String,
    /// Name of the Business Central environment that verbs act in unless told otherwise.
    pub environment: String,
    /// Companies of the environment.
    pub companies: Vec<CompanySpec>,
    /// Further environments; one of the name of `environment` describes that one instead.
    pub environments: Vec<EnvironmentSpec>,
    /// How an environment refuses while it is serviced.
    pub maintenance: MaintenanceAnswer,
    /// Whether the number series of all companies begin at the same numbers.
    pub colliding_series: bool,
    /// Versions of records remembered of what readers were shown.
    pub sightings_kept: usize,
    /// Teams and channels.
    pub teams: Vec<TeamSpec>,
    /// Whether the services' own rate limits are enforced.
    pub limits: bool,
    /// Life of a token; the only duration that `time_scale` leaves alone.
    pub token_life: Duration,
    /// Application permissions that its tokens carry, whatever they are for.
    pub roles: Vec<String>,
    /// From the first change to the notification. Reality: 30 s.
    pub notification_delay: Duration,
    /// How long an answer to a notification may take. Reality: 30 s; never under 2 s here.
    pub notification_timeout: Duration,
    /// How long the answer to a handshake may take. Reality: 5 s; never under 2 s here.
    pub handshake_timeout: Duration,
    /// Waits between failed notifications; one more failure deletes the subscription.
    pub retry_delays: Vec<Duration>,
    /// Pending notifications of one subscription above which one `collection` is sent. Reality: 1,000.
    pub collection_threshold: usize,
    /// Life of a subscription. Reality: 3 days.
    pub subscription_life: Duration,
    /// Subscriptions per environment, whoever made them. Reality: 200.
    pub max_subscriptions: usize,
    /// Subscriptions that others have in each environment.
    pub occupied_subscriptions: usize,
    /// Whether a listing shows the subscriptions of others. Reality: unconfirmed.
    pub others_visible: bool,
    /// Whether a second subscription of the same resource and URL is made, not refused.
    /// Reality: unconfirmed.
    pub duplicate_subscriptions: bool,
    /// What can be subscribed to, as `webhookSupportedResources` names it: `v2.0/{set}`, and
    /// `{publisher}/{group}/{version}/{set}` for custom APIs.
    pub webhook_resources: Vec<String>,
    /// How `resource` is written in subscriptions and notifications.
    pub resource_form: ResourceForm,
    /// Changes that no notification ever tells of.
    pub drop_notifications: Option<Share>,
    /// Notifications that are sent again although they were acknowledged.
    pub double_notifications: Option<Share>,
    /// Largest page of a listing. Reality: 20,000.
    pub max_page: usize,
    /// From a post to its appearance in Graph's listing. Reality: up to 10 s.
    pub visibility_delay: Duration,
    /// Added before every answer; not scaled.
    pub latency: Duration,
    /// How long after a `Retry-After` was given requests already on the wire are excused; not scaled.
    pub early_grace: Duration,
    /// Statuses whose arrival must be announced by a card.
    pub expected_statuses: Vec<String>,
}

impl Default for SimConfig {
    fn default() -> Self {
        let company = CompanySpec {
            id: DEFAULT_COMPANY_ID,
            name: DEFAULT_COMPANY_NAME.into(),
        };
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            time_scale: 1.0,
            tenant: DEFAULT_TENANT.into(),
            client_id: DEFAULT_CLIENT_ID.into(),
            client_secret: DEFAULT_CLIENT_SECRET.into(),
            bot_app_id: DEFAULT_CLIENT_ID.into(),
            environment: DEFAULT_ENVIRONMENT.into(),
            companies: vec![company],
            environments: Vec::new(),
            maintenance: MaintenanceAnswer::default(),
            colliding_series: false,
            sightings_kept: 200_000,
            teams: vec![
                TeamSpec::named("Finance")
                    .with_channel("General")
                    .with_channel("Approvals"),
            ],
            limits: true,
            token_life: Duration::from_secs(3599),
            roles: ROLES.map(str::to_owned).to_vec(),
            notification_delay: Duration::from_secs(30),
            notification_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(5),
            retry_delays: [60, 60, 600, 6_000, 60_000]
                .map(Duration::from_secs)
                .to_vec(),
            collection_threshold: 1_000,
            subscription_life: Duration::from_secs(3 * 24 * 3600),
            max_subscriptions: 200,
            occupied_subscriptions: 0,
            others_visible: true,
            duplicate_subscriptions: true,
            webhook_resources: webhooks::standard_resources(),
            resource_form: ResourceForm::default(),
            drop_notifications: None,
            double_notifications: None,
            max_page: 20_000,
            visibility_delay: Duration::from_secs(10),
            latency: Duration::ZERO,
            early_grace: Duration::from_millis(50),
            expected_statuses: vec!["Open".into(), "Paid".into()],
        }
    }
}

impl SimConfig {
    /// The default tenant at another speed.
    pub fn at_scale(time_scale: f64) -> Self {
        Self {
            time_scale,
            ..Self::default()
        }
    }

    /// Lets subscriptions live as long as in reality at any speed, for those who watch what is left of them.
    #[must_use]
    pub fn with_real_subscriptions(self) -> Self {
        let life = self.subscription_life.as_secs_f64() / self.time_scale;
        Self {
            subscription_life: Duration::try_from_secs_f64(life).unwrap_or(Duration::MAX / 4),
            ..self
        }
    }

    /// How far the number series of one company begin behind those of the one before.
    pub(crate) fn series_apart(&self) -> u64 {
        if self.colliding_series { 0 } else { 1_000_000 }
    }

    /// `duration` at this configuration's speed.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.time_scale)
            .unwrap_or(Duration::MAX / 4)
    }

    /// Whole seconds for a `Retry-After`: never less than the wait, and at least one.
    pub(crate) fn retry_after(wait: Duration) -> u64 {
        let secs = wait.as_secs();
        if wait.subsec_nanos() > 0 {
            secs + 1
        } else {
            secs.max(1)
        }
    }
}
