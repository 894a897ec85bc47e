//! The token endpoint: client credentials, opaque tokens bound to one audience.
//!
//! Tokens look like Entra's, three parts with claims in the middle one, and are unsigned: what admits a
//! request is that the token is remembered here. The refusals carry the AADSTS numbers that operators
//! will meet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::SimConfig;
use crate::errors::{Refusal, error};
use crate::faults::FaultKind;
use crate::state::{Call, Shared};
use crate::target::Api;

/// Audience of Business Central.
pub(crate) const BUSINESS_CENTRAL: &str = "https://api.businesscentral.dynamics.com";
/// Audience of Microsoft Graph.
pub(crate) const GRAPH: &str = "https://graph.microsoft.com";
/// Audience of the Bot Connector.
pub(crate) const BOT: &str = "https://api.botframework.com";

#[derive(Debug)]
struct Token {
    audience: String,
    app: String,
    expires: Instant,
}

/// The tokens in circulation, and the secret that buys one.
#[derive(Debug)]
pub(crate) struct Tokens {
    secret: String,
    issued: HashMap<String, Token>,
}

impl Tokens {
    /// No tokens yet.
    pub(crate) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            issued: HashMap::new(),
        }
    }

    /// Replaces the secret; tokens already issued go on until they expire.
    pub(crate) fn rotate_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.secret);
    }

    /// Makes every token worthless.
    pub(crate) fn revoke(&mut self) {
        self.issued.clear();
    }

    fn issue(&mut self, claims: &Value, life: Duration) -> String {
        let now = Instant::now();
        // Expired tokens go out with the next issue, so the map stays as small as their life.
        self.issued.retain(|_, token| token.expires > now);
        let claims_part = URL_SAFE_NO_PAD.encode(claims.to_string());
        let (one, other) = (Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let text = format!("sim.{claims_part}.{one}{other}");
        let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let (audience, app) = (claim("aud"), claim("appid"));
        self.issued.insert(
            text.clone(),
            Token {
                audience,
                app,
                expires: now + life,
            },
        );
        text
    }

    /// The application of the request's token, whatever its audience or age.
    pub(crate) fn app(&self, headers: &HeaderMap) -> String {
        let token = bearer(headers).and_then(|text| self.issued.get(text));
        token.map_or_else(|| "unknown".into(), |token| token.app.clone())
    }

    /// Whether the request carries a live token for `api`.
    pub(crate) fn admits(&self, headers: &HeaderMap, api: Api) -> bool {
        let audience = match api {
            Api::Entra => return true,
            Api::BusinessCentral => BUSINESS_CENTRAL,
            Api::Bot => BOT,
            Api::Graph => GRAPH,
        };
        bearer(headers)
            .and_then(|text| self.issued.get(text))
            .is_some_and(|token| token.audience == audience && token.expires > Instant::now())
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// `POST /entra/{tenant}/oauth2/v2.0/token`.
pub(crate) async fn token(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    Extension(call): Extension<Call>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let config = &shared.config;
    check_client(config, &tenant, (field("grant_type"), field("client_id")))?;
    let scope = field("scope");
    let audience = scope
        .strip_suffix("/.default")
        .filter(|scope| !scope.contains(' '));
    let audience = audience.ok_or_else(|| {
        let description = "AADSTS1002012: The provided value for scope is not valid. Client \
            credential flows must have a scope value with /.default suffixed to the resource.";
        bad_request("invalid_scope", description)
    })?;
    let audience = match call.fault {
        Some(FaultKind::WrongAudience) => "https://management.azure.com",
        _ => audience,
    };
    let mut world = shared.world();
    if field("client_secret") != world.entra.secret {
        let description = "AADSTS7000215: Invalid client secret provided. Ensure the secret being \
            sent in the request is the client secret value, not the client secret ID.";
        return Err(error(
            Api::Entra,
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            description,
        ));
    }
    let claims = json!({
        "aud": audience, "appid": config.client_id, "tid": config.tenant, "roles": config.roles,
    });
    let token = world.entra.issue(&claims, config.token_life);
    let life = config.token_life.as_secs();
    Ok(Json(
        json!({ "token_type": "Bearer", "expires_in": life, "ext_expires_in": life,
        "access_token": token }),
    )
    .into_response())
}

/// Tenant, grant and client must be those that are registered.
fn check_client(
    config: &SimConfig,
    tenant: &str,
    (grant, client): (&str, &str),
) -> Result<(), Refusal> {
    if tenant != config.tenant {
        let description = format!("AADSTS90002: Tenant '{tenant}' not found.");
        return Err(bad_request("invalid_request", &description));
    }
    if grant != "client_credentials" {
        let description = "AADSTS70003: The app requested an unsupported grant type.";
        return Err(bad_request("unsupported_grant_type", description));
    }
    if client != config.client_id {
        let description = format!(
            "AADSTS700016: Application with identifier '{client}' was not found in the directory."
        );
        return Err(bad_request("unauthorized_client", &description));
    }
    Ok(())
}

fn bad_request(code: &str, description: &str) -> Refusal {
    error(Api::Entra, StatusCode::BAD_REQUEST, code, description)
}
