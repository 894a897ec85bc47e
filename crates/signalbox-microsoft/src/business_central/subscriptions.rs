//! Webhook subscriptions: made, renewed, listed and deleted (facts, Business Central §2.1 to §2.3).
//!
//! Every API route has its own: a set of a custom API is subscribed to below that API, and named with its route.
//! While a subscription is made or renewed, Business Central calls its notification URL and waits up to five seconds
//! for the right answer, so the ingress must be up before. A subscription lives three days and ends in silence.

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_core::Record;
use url::Url;
use uuid::Uuid;

use super::{BusinessCentral, gone};
use crate::{
    http::{call::Call, errand::Errand, error::Error},
    odata::{Intent, pages::Pages, query::literal},
    service::join,
};

/// The entity set's own name.
const SET: &str = "subscriptions";
/// The route of the standard API, below `…/api/`.
pub const STANDARD_API: &str = "v2.0";

/// A subscription as the service knows it. Its client state is left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The id, opaque.
    #[serde(rename = "subscriptionId")]
    pub id: String,
    /// What a renewal names so that it changes nothing newer.
    #[serde(rename = "@odata.etag")]
    pub etag: Option<String>,
    /// When it ends; chosen by the service.
    #[serde(rename = "expirationDateTime")]
    pub expires_at: Timestamp,
    /// What it is about, in one of several forms: read it with [`signalbox_core::Resource`].
    pub resource: String,
    /// Whom it calls. A subscription is ours if and only if this is.
    pub notification_url: String,
}

/// A subscription to be made.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    /// Whom it calls; HTTPS, with a certificate that is publicly trusted.
    pub notification_url: String,
    /// The company whose records it is about.
    pub company: Uuid,
    /// The entity set, for example `purchaseInvoices`.
    pub set: String,
    /// Comes back in every notification, at most 2048 characters.
    pub client_state: SecretString,
}

/// What a renewal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It lives on.
    Renewed(Subscription),
    /// It is gone: make a new one and catch up on what it missed.
    Gone,
}

/// The subscriptions of one environment, as one API route shows them.
#[derive(Debug, Clone, Copy)]
pub struct Subscriptions<'a> {
    pub(super) client: &'a BusinessCentral,
    /// `v2.0`, or `{publisher}/{group}/{version}`.
    pub(super) api: &'a str,
}

impl Subscriptions<'_> {
    /// Every subscription that the app may see, perhaps including those of others.
    pub async fn list(&self, errand: Errand<'_>) -> Result<Vec<Subscription>, Error> {
        let url = self.url(SET);
        let pages = Pages::new(self.client.service.clone(), url, None, Intent::ReadOnly);
        let records = pages.all(errand).await?;
        Ok(records.into_iter().filter_map(read).collect())
    }

    /// Makes a subscription. Fails if the notification URL does not answer the handshake.
    pub async fn create(
        &self,
        new: &NewSubscription,
        errand: Errand<'_>,
    ) -> Result<Subscription, Error> {
        let url = self.url(SET);
        let body = json!({
            "notificationUrl": new.notification_url,
            "resource": format!("/api/{}/companies({})/{}", self.api, new.company, new.set),
            "clientState": new.client_state.expose_secret(),
        });
        let call = self.client.service.call(Method::POST, url, errand);
        self.client.service.send(call.json(&body)).await?.json()
    }

    /// Gives a subscription three more days; the notification URL must answer the handshake again.
    ///
    /// Without an `etag` any state of it is renewed; with one, a newer state is an [`Error::Conflict`].
    pub async fn renew(
        &self,
        id: &str,
        etag: Option<&str>,
        client_state: Option<&SecretString>,
        errand: Errand<'_>,
    ) -> Result<Renewal, Error> {
        let mut body = Record::new();
        if let Some(client_state) = client_state {
            body.insert("clientState".into(), client_state.expose_secret().into());
        }
        let call = self.one(Method::PATCH, id, etag, errand).json(&body);
        match self.client.service.send(call).await {
            Ok(answer) => Ok(Renewal::Renewed(answer.json()?)),
            Err(error) if gone::is_gone(&error, SET) => Ok(Renewal::Gone),
            Err(error) => Err(error),
        }
    }

    /// Deletes a subscription; one that is gone already counts as deleted.
    pub async fn delete(
        &self,
        id: &str,
        etag: Option<&str>,
        errand: Errand<'_>,
    ) -> Result<(), Error> {
        let call = self.one(Method::DELETE, id, etag, errand);
        match self.client.service.send(call).await {
            Err(error) if !gone::is_gone(&error, SET) => Err(error),
            _ => Ok(()),
        }
    }

    fn url(&self, segment: &str) -> Url {
        let segments = self.api.split('/').chain([segment]);
        join(&self.client.api_root(), segments)
    }

    fn one<'a>(
        &'a self,
        method: Method,
        id: &str,
        etag: Option<&str>,
        errand: Errand<'a>,
    ) -> Call<'a> {
        // The id is a text key: it stands in quotes.
        let segment = format!("{SET}({})", literal(id));
        let url = self.url(&segment);
        let etag = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
        let any = HeaderValue::from_static("*");
        self.client
            .service
            .call(method, url, errand)
            .header(header::IF_MATCH, etag.unwrap_or(any))
    }
}

fn read(record: Record) -> Option<Subscription> {
    serde_json::from_value(Value::Object(record)).ok()
}
