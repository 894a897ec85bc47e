//! The Microsoft clients over HTTP, against the simulator and, for answers that it never gives, a canned server.

mod business_central;
pub(crate) mod canned;
mod entities;
mod entra;
mod paging;
mod sending;
mod subscriptions;
mod teams;
mod together;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use signalbox_core::{Addressee, SystemClock};
use signalbox_microsoft::{
    Bot, BotOptions, BusinessCentral, BusinessCentralOptions, ClientSecret, CompanyKey, Entities,
    EntitySet, EntraOptions, Errand, Graph, GraphOptions, Sender, SenderOptions, TargetResolver,
    TokenSource,
};
use signalbox_sim::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_COMPANY_ID, DEFAULT_COMPANY_NAME,
    DEFAULT_ENVIRONMENT, DEFAULT_TENANT, SimConfig, SimHandle, Simulator, Target,
};

/// The simulator's first company.
const COMPANY: CompanyKey<'_> = CompanyKey {
    id: DEFAULT_COMPANY_ID,
    name: DEFAULT_COMPANY_NAME,
};

/// The set that most tests are about.
fn purchase_invoices() -> Arc<EntitySet> {
    let entities = Entities::shipped(false);
    let set = entities.get("purchaseInvoices");
    Arc::clone(set.unwrap())
}

/// A simulator and what is needed to ask it.
struct Rig {
    sim: SimHandle,
    sender: Sender,
    tokens: Arc<TokenSource>,
}

impl Rig {
    async fn start() -> Self {
        Self::start_with(SimConfig::at_scale(0.001), "").await
    }

    /// A rig whose requests may take `timeout` at most.
    async fn impatient(timeout: Duration) -> Self {
        let mut rig = Self::start().await;
        rig.sender = sender(timeout);
        rig
    }

    /// A rig whose secret is followed by `tail`, to make it wrong.
    async fn start_with(config: SimConfig, tail: &str) -> Self {
        Self::start_as(config, format!("{DEFAULT_CLIENT_SECRET}{tail}").into()).await
    }

    /// A rig that signs in with `client_secret`.
    async fn start_as(config: SimConfig, client_secret: ClientSecret) -> Self {
        let sim = Simulator::start(config).await.unwrap();
        let sender = sender(Duration::from_secs(30));
        let options = EntraOptions {
            authority: sim.entra_url().parse().unwrap(),
            tenant: DEFAULT_TENANT.to_owned(),
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret,
        };
        let tokens = Arc::new(TokenSource::new(options, sender.clone()));
        Self {
            sim,
            sender,
            tokens,
        }
    }

    fn business_central(&self) -> BusinessCentral {
        self.environment(DEFAULT_ENVIRONMENT)
    }

    fn environment(&self, name: &str) -> BusinessCentral {
        self.business_central_at(&self.sim.business_central_url(), name)
    }

    fn business_central_at(&self, base: &str, environment: &str) -> BusinessCentral {
        let options = BusinessCentralOptions {
            api_base: format!("{base}/v2.0").parse().unwrap(),
            scope: "https://api.businesscentral.dynamics.com/.default".to_owned(),
            tenant: DEFAULT_TENANT.to_owned(),
            environment: environment.to_owned(),
            web_client_base: "https://businesscentral.example.com".parse().unwrap(),
        };
        BusinessCentral::new(options, self.sender.clone(), Arc::clone(&self.tokens))
    }

    fn graph(&self) -> Graph {
        let options = GraphOptions {
            base: self.sim.graph_url().parse().unwrap(),
            scope: "https://graph.microsoft.com/.default".to_owned(),
        };
        Graph::new(options, self.sender.clone(), Arc::clone(&self.tokens))
    }

    fn bot(&self) -> Bot {
        let options = BotOptions::new(
            self.sim.bot_url().parse().unwrap(),
            "https://api.botframework.com/.default".to_owned(),
            DEFAULT_TENANT.to_owned(),
            DEFAULT_CLIENT_ID.to_owned(),
        );
        Bot::new(options, self.sender.clone(), Arc::clone(&self.tokens))
    }

    fn resolver(&self) -> TargetResolver {
        TargetResolver::new(self.graph())
    }

    async fn approvals(&self) -> signalbox_microsoft::Target {
        let to = addressee("Finance", "Approvals");
        let target = self.resolver().resolve(&to, Errand::default()).await;
        target.unwrap()
    }

    /// How often the simulator was asked for `target`.
    fn asked(&self, target: Target) -> usize {
        let requests = self.sim.requests().into_iter();
        requests.filter(|request| request.target == target).count()
    }
}

fn sender(timeout: Duration) -> Sender {
    let options = SenderOptions {
        request_timeout: timeout,
        ..SenderOptions::default()
    };
    Sender::new(&options, Arc::new(SystemClock)).unwrap()
}

fn addressee(team: &str, channel: &str) -> Addressee {
    Addressee {
        team: team.to_owned(),
        channel: channel.to_owned(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(300)
}
