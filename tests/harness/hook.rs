//! An ingress on a port of its own, with one subscription that it knows.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_core::{
    ClientStateDigest, CompanyAddress, ConnectionName, LaneChain, SUBSCRIPTIONS, Subscription,
    SystemClock, business_central_lanes,
};
use signalbox_ingress::{BusinessCentralSource, Door, IngressOptions, router, serve};
use signalbox_queue::{Queue, Trail};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::RedisServer;

/// The company of the subscription.
pub const COMPANY: Uuid = Uuid::from_u128(0x70c0_c603_f4f9_ef11_9344_6045_bdc8_c234);
/// The clientState that the subscription was made with.
pub const CLIENT_STATE: &str = "a-random-client-state";
/// The path of the subscription's hook.
pub const HOOK: &str = "/hooks/business-central/erp/purchaseInvoices-7f3c";

/// A running ingress.
#[derive(Debug)]
pub struct Hook {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its queue.
    pub queue: Queue,
    /// The Redis behind it.
    pub redis: RedisServer,
    stop: CancellationToken,
}

impl Hook {
    /// Starts an ingress that waits `redis_wait` for Redis.
    pub async fn start(redis_wait: Duration) -> Self {
        Self::behind(Door::default(), redis_wait).await
    }

    /// Starts an ingress behind `door` that waits `redis_wait` for Redis.
    pub async fn behind(door: Door, redis_wait: Duration) -> Self {
        let redis = RedisServer::start();
        let queue = redis.queue().await;
        enter_subscription(&queue, "purchaseInvoices", CLIENT_STATE).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let stop = CancellationToken::new();
        let router = router(options(queue.clone(), redis_wait));
        TaskTracker::new().spawn(serve(listener, router, door, stop.clone()));
        Self {
            address,
            queue,
            redis,
            stop,
        }
    }

    /// The lanes of the jobs that come in.
    pub fn lanes() -> LaneChain {
        business_central_lanes("contoso", "api.example", "Production")
    }

    /// A URL on this ingress.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts `body` to the hook and returns the status.
    pub async fn post(&self, body: impl Into<reqwest::Body>) -> u16 {
        let url = self.url(HOOK);
        let request = client()
            .post(url)
            .header("content-type", "application/json");
        let answer = request.body(body).send().await;
        answer.expect("the ingress answers").status().as_u16()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A notification as Business Central sends it.
pub fn notification(record: &str, client_state: &str) -> Value {
    json!({
        "subscriptionId": "9a78e8a3cb5d46aba636824af8cc7a8c",
        "clientState": client_state,
        "expirationDateTime": "2026-03-05T09:15:31Z",
        "resource": format!("api/v2.0/companies({COMPANY})/purchaseInvoices({record})"),
        "changeType": "updated",
        "lastModifiedDateTime": "2026-03-02T10:02:11.437Z"
    })
}

/// A client for tests.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' client needs no settings"
)]
pub fn client() -> reqwest::Client {
    reqwest::Client::new()
}

fn options(queue: Queue, redis_wait: Duration) -> IngressOptions {
    let source = BusinessCentralSource {
        first_environment: "Production".to_owned(),
        environments: [("Production".to_owned(), Hook::lanes())].into(),
    };
    IngressOptions {
        queue,
        trail: Trail::nowhere(),
        business_central: [(erp(), source)].into(),
        max_body_bytes: 1024 * 1024,
        redis_wait,
        catch_up_spacing: Duration::from_secs(600),
        clock: Arc::new(SystemClock),
    }
}

fn erp() -> ConnectionName {
    ConnectionName::new("erp").expect("a name")
}

/// Enters a subscription to `set`, made with `client_state`.
pub async fn enter_subscription(queue: &Queue, set: &str, client_state: &str) {
    let at = CompanyAddress {
        connection: erp(),
        environment: String::new(),
        company: COMPANY,
    };
    let mut subscription =
        Subscription::begun(&at, set, format!("{set}-7f3c"), Timestamp::UNIX_EPOCH);
    // As an older release wrote it.
    subscription.environment = None;
    subscription.client_states.pending = Some(ClientStateDigest::of(client_state));
    let name = Subscription::name(&subscription.connection, &subscription.key);
    let register = queue.register(SUBSCRIPTIONS);
    register
        .update(&name, |_| Some(subscription.clone()))
        .await
        .expect("redis answers");
}
