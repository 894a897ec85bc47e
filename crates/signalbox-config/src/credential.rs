//! `[credentials.NAME]`: an application registered in Entra ID.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{BaseUrl, Endpoints, Secret, Vault, secret::source::SecretSource};

/// An application registered in Entra ID.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The name in `[credentials.NAME]`.
    pub name: String,
    /// The tenant's id, or one of its domains.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// When the secret ends, if that is known: the beginning of that day in UTC.
    pub client_secret_expires: Option<Timestamp>,
    /// The sign-in service.
    pub authority: BaseUrl,
}

/// A credential as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialSection {
    #[serde(deserialize_with = "filled")]
    tenant_id: String,
    #[serde(deserialize_with = "filled")]
    client_id: String,
    pub(crate) client_secret: SecretSource,
    #[serde(default, deserialize_with = "day")]
    client_secret_expires: Option<Timestamp>,
    authority: Option<BaseUrl>,
}

impl CredentialSection {
    pub(crate) fn resolve(
        self,
        name: &str,
        endpoints: &Endpoints,
        vault: &Arc<Vault>,
    ) -> Credential {
        Credential {
            name: name.to_owned(),
            tenant_id: self.tenant_id,
            client_id: self.client_id,
            client_secret: Secret::new(self.client_secret, vault),
            client_secret_expires: self.client_secret_expires,
            authority: self
                .authority
                .unwrap_or_else(|| endpoints.authority.clone()),
        }
    }
}

/// A text that is not blank.
pub(crate) fn filled<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    let blank = text.trim().is_empty();
    (!blank)
        .then_some(text)
        .ok_or_else(|| D::Error::custom("is empty; fill it in"))
}

/// The beginning of a day in UTC, whatever the clocks of its place say: a secret is renewed well before.
fn day<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(input)?;
    let date = text.parse::<Date>().ok();
    let begins = date.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let begins = begins.map(Some);
    begins.ok_or_else(|| D::Error::custom("is no date; write it as \"2027-01-31\""))
}
