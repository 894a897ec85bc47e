//! Access tokens by client credentials, one per scope, asked for once however many wait for it.
//!
//! A token is renewed five minutes before it ends, or at half of a shorter life. While a renewal fails, the old token
//! serves until it ends. A throttled token endpoint is left alone until the instant that it named, and one that
//! refused us for a while, because a crowd of refused requests gets the app locked out.

pub(crate) mod claims;
pub(crate) mod error;
pub(crate) mod hints;
pub(crate) mod slot;
pub(crate) mod token_answer;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use self::{claims::TokenClaims, error::EntraError, slot::Slot, token_answer::Grant};
use crate::{
    http::{Sender, call::Call, errand::Errand},
    service::join,
};

/// The longest answer of the token endpoint, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// Where and as whom tokens are asked for.
#[derive(Debug, Clone)]
pub struct EntraOptions {
    /// The authority, for example `https://login.microsoftonline.com`.
    pub authority: Url,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The application's client id.
    pub client_id: String,
    /// The application's client secret.
    pub client_secret: ClientSecret,
}

/// Gives the client secret as it is at the moment. May read a file, so it is asked where that holds nobody up.
type Ask = dyn Fn() -> SecretString + Send + Sync;

/// A client secret, which may be replaced while tokens are asked for. `Debug` does not show it.
#[derive(Clone)]
pub struct ClientSecret(Arc<Ask>);

impl ClientSecret {
    /// The secret that `ask` gives whenever one is needed.
    pub fn asked_for(ask: impl Fn() -> SecretString + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    async fn now(&self) -> SecretString {
        let ask = self.0.clone();
        match tokio::task::spawn_blocking(move || ask()).await {
            Ok(secret) => secret,
            // A runtime that is ending takes no such work any more.
            Err(_) => (self.0)(),
        }
    }
}

impl From<SecretString> for ClientSecret {
    fn from(secret: SecretString) -> Self {
        Self::asked_for(move || secret.clone())
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        SecretString::from(secret).into()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// An access token. `Debug` does not show it.
#[derive(Clone)]
pub struct Token(Arc<SecretString>);

impl Token {
    pub(crate) fn new(secret: SecretString) -> Self {
        Self(Arc::new(secret))
    }

    /// The token itself, for the `Authorization` header.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether both came from the same answer.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Hands out tokens of one application.
#[derive(Debug)]
pub struct TokenSource {
    options: EntraOptions,
    sender: Sender,
    /// One slot per scope. A plain mutex, because nothing awaits while it is held.
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

impl TokenSource {
    /// A source that has no token yet.
    pub fn new(options: EntraOptions, sender: Sender) -> Self {
        Self {
            options,
            sender,
            slots: Mutex::default(),
        }
    }

    /// A token for `scope` that is still good for a while.
    ///
    /// Callers who come while it is being asked for share that one request, its failure included.
    pub async fn token(&self, scope: &str) -> Result<Token, EntraError> {
        let now = || self.sender.now();
        self.slot(scope).get(now, || self.ask(scope)).await
    }

    /// What the token for `scope` says about itself; `None` if it is not of a form that can be read.
    pub async fn claims(&self, scope: &str) -> Result<Option<TokenClaims>, EntraError> {
        Ok(claims::read(&self.token(scope).await?))
    }

    /// Forgets `token` if it is still the present one of `scope`.
    pub async fn invalidate(&self, scope: &str, token: &Token) {
        self.slot(scope).forget(token).await;
    }

    fn slot(&self, scope: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scope.to_owned()).or_default())
    }

    async fn ask(&self, scope: &str) -> Result<Grant, EntraError> {
        let asked_at = self.sender.now();
        let segments = [&self.options.tenant, "oauth2", "v2.0", "token"];
        let url = join(&self.options.authority, segments);
        let mut call = Call::new(Method::POST, url, Errand::default()).form(self.form(scope).await);
        call.answer_limit = ANSWER_LIMIT;
        let reply = self.sender.exchange(&call, None).await;
        let reply = reply.map_err(|error| EntraError::Unreachable(Arc::new(error)))?;
        let grant = token_answer::read(&reply, asked_at);
        if let Err(error) = &grant {
            tracing::warn!(
                entra.tenant = self.options.tenant,
                entra.client_id = self.options.client_id,
                entra.scope = scope,
                entra.error = %error,
                "no access token was issued"
            );
        }
        grant
    }

    async fn form(&self, scope: &str) -> String {
        let secret = self.options.client_secret.now().await;
        form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("client_secret", secret.expose_secret())
            .append_pair("scope", scope)
            .finish()
    }
}
