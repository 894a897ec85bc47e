//! A client that knows nothing but HTTP, and a webhook that answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{Method, StatusCode};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use signalbox_sim::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT};
use signalbox_sim::{DEFAULT_COMPANY_ID, SimConfig, SimHandle, Simulator};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Longer than anything here takes; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const BC: &str = "https://api.businesscentral.dynamics.com";
pub(crate) const GRAPH: &str = "https://graph.microsoft.com";
pub(crate) const BOT: &str = "https://api.botframework.com";

/// A simulator with a client that holds one token.
pub(crate) struct Client {
    pub(crate) sim: SimHandle,
    http: reqwest::Client,
    token: String,
}

impl Client {
    /// Starts a simulator and buys a token for `audience`.
    pub(crate) async fn start(config: SimConfig, audience: &str) -> Self {
        let sim = Simulator::start(config).await.unwrap();
        Self::of(sim, audience).await
    }

    /// A client of a running simulator.
    pub(crate) async fn of(sim: SimHandle, audience: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let mut client = Self {
            sim,
            http,
            token: String::new(),
        };
        let answer = client
            .ask_token(DEFAULT_CLIENT_SECRET, audience)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut client.token);
        client
    }

    pub(crate) fn ask_token(&self, secret: &str, audience: &str) -> RequestBuilder {
        let scope = format!("{audience}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        let url = format!(
            "{}/{DEFAULT_TENANT}/oauth2/v2.0/token",
            self.sim.entra_url()
        );
        self.http.post(url).form(&form)
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// A request to Business Central, by the path after `api/v2.0/`.
    pub(crate) fn bc(&self, method: Method, path: &str) -> RequestBuilder {
        self.bc_of("Production", method, &format!("api/v2.0/{path}"))
    }

    /// A request to an environment, by the path after its name.
    pub(crate) fn bc_of(&self, environment: &str, method: Method, path: &str) -> RequestBuilder {
        let base = self.sim.business_central_url();
        let url = format!("{base}/v2.0/{DEFAULT_TENANT}/{environment}/{path}");
        self.request(method, &url)
    }

    /// Runs a verb of the control API.
    pub(crate) async fn verb(&self, name: &str, body: Value) -> Value {
        let url = self.url(&format!("/_sim/v1/verbs/{name}"));
        let answer = self.request(Method::POST, &url).json(&body);
        let answer = answer.send().await.unwrap();
        let status = answer.status();
        let made = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{name}: {made}");
        made
    }

    /// `GET` of a path of the default company.
    pub(crate) fn read(&self, path: &str) -> RequestBuilder {
        self.bc(
            Method::GET,
            &format!("companies({DEFAULT_COMPANY_ID})/{path}"),
        )
    }

    pub(crate) async fn read_json(&self, path: &str) -> Value {
        let answer = self.read(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// Subscribes `url` to the purchase invoices of the default company.
    pub(crate) fn subscribe(&self, url: &str) -> RequestBuilder {
        let resource = format!("/api/v2.0/companies({DEFAULT_COMPANY_ID})/purchaseInvoices");
        let body = json!({ "notificationUrl": url, "resource": resource, "clientState": "s3" });
        self.bc(Method::POST, "subscriptions").json(&body)
    }

    pub(crate) async fn subscribed(&self, hook: &Hook) -> Value {
        let answer = self.subscribe(&hook.url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    /// Id of a channel of the default team.
    pub(crate) fn channel(&self, name: &str) -> String {
        let channels = &self.sim.config().teams[0].channels;
        channels
            .iter()
            .find(|channel| channel.name == name)
            .unwrap()
            .id
            .clone()
    }

    /// A card with this text, into a new thread of a channel.
    pub(crate) fn post_card(&self, channel: &str, text: &str) -> RequestBuilder {
        let url = format!("{}/v3/conversations", self.sim.bot_url());
        let body = json!({ "isGroup": true, "channelData": { "channel": { "id": channel } },
            "activity": { "type": "message", "attachments": [card(text)] } });
        self.request(Method::POST, &url).json(&body)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.base_url())
    }
}

pub(crate) fn card(text: &str) -> Value {
    json!({ "contentType": "application/vnd.microsoft.card.adaptive",
        "content": { "type": "AdaptiveCard", "version": "1.4",
            "body": [{ "type": "TextBlock", "text": text }] } })
}

pub(crate) async fn error_code(answer: reqwest::Response) -> String {
    let body: Value = answer.json().await.unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}

/// A webhook receiver: it answers handshakes, and notifications with the statuses scripted
/// for it, then with 200.
pub(crate) struct Hook {
    pub(crate) url: String,
    script: Arc<Mutex<VecDeque<u16>>>,
    _tasks: TaskTracker,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        let script: Arc<Mutex<VecDeque<u16>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/mute", post(async || "not the token"))
            .route("/slow", post(async || std::future::pending::<()>().await))
            .with_state(Arc::clone(&script));
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            script,
            _tasks: tasks,
        }
    }

    /// The next notifications get these statuses.
    pub(crate) fn answer_with(&self, statuses: &[u16]) {
        self.script.lock().unwrap().extend(statuses);
    }
}

async fn receive(
    State(script): State<Arc<Mutex<VecDeque<u16>>>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let token = query
        .as_deref()
        .and_then(|query| query.split_once("validationToken="));
    if let Some((_, token)) = token {
        assert!(body.is_empty(), "a handshake has no body");
        return token.to_owned().into_response();
    }
    let status = script.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap().into_response()
}
