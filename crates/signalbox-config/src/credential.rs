//! `[credentials.NAME]`: an application registered in Entra ID.

use serde::{Deserialize, Deserializer};

use crate::{BaseUrl, Endpoints, Environment, Secret, secret::SecretSource};

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
    authority: Option<BaseUrl>,
}

impl CredentialSection {
    pub(crate) fn resolve(
        self,
        name: &str,
        endpoints: &Endpoints,
        env: &Environment,
    ) -> Credential {
        Credential {
            name: name.to_owned(),
            tenant_id: self.tenant_id,
            client_id: self.client_id,
            client_secret: self.client_secret.resolve(env),
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
        .ok_or_else(|| serde::de::Error::custom("is empty; fill it in"))
}
