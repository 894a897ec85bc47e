//! `mention`: who is told of a card, by a role that records name somebody in, or by an e-mail address.

use std::fmt;

use serde::Deserialize;

/// Somebody whom a card mentions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Mention {
    /// This address, whatever the record is.
    Address(String),
    /// The employee that the record is about.
    Employee,
    /// Who buys.
    Purchaser,
    /// Who sells.
    Salesperson,
    /// Whom to write to at the vendor.
    VendorContact,
}

impl Mention {
    /// The roles, in alphabetical order.
    const ROLES: [Self; 4] = [
        Self::Employee,
        Self::Purchaser,
        Self::Salesperson,
        Self::VendorContact,
    ];

    /// The word in the configuration; of an address, that address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Address(address) => address,
            Self::Employee => "employee",
            Self::Purchaser => "purchaser",
            Self::Salesperson => "salesperson",
            Self::VendorContact => "vendor-contact",
        }
    }
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is neither a role nor an address.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no role and no e-mail address; write {roles} or an address")]
pub struct MentionError {
    text: String,
    roles: String,
}

impl TryFrom<String> for Mention {
    type Error = MentionError;

    fn try_from(text: String) -> Result<Self, MentionError> {
        let role = Self::ROLES.into_iter().find(|role| role.as_str() == text);
        if let Some(role) = role {
            return Ok(role);
        }
        if is_address(&text) {
            return Ok(Self::Address(text));
        }
        let roles = Self::ROLES.map(|role| format!("`{role}`")).join(", ");
        Err(MentionError { text, roles })
    }
}

/// Whether it looks like one. Only a mail server knows.
fn is_address(text: &str) -> bool {
    let plain = !text.contains(|character: char| character.is_whitespace() || character == ',');
    let parts = text.split_once('@');
    plain && parts.is_some_and(|(name, host)| !name.is_empty() && is_host(host))
}

fn is_host(text: &str) -> bool {
    !text.contains('@') && text.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Mention;

    fn check(text: &str, expected: Option<&Mention>) {
        let read = Mention::try_from(text.to_owned());
        assert_eq!(read.ok().as_ref(), expected, "{text}");
    }

    #[test]
    fn a_role_is_known_by_its_word_and_anything_like_an_address_is_one() {
        for role in Mention::ROLES {
            check(role.as_str(), Some(&role));
        }
        let address = "jo.doe@contoso.example";
        check(address, Some(&Mention::Address(address.to_owned())));
        for neither in [
            "Purchaser",
            "boss",
            "@host",
            "jo@",
            "jo@a..b",
            "jo doe@host",
            "a@b@c",
            "",
        ] {
            check(neither, None);
        }
        let error = Mention::try_from("boss".to_owned())
            .unwrap_err()
            .to_string();
        assert!(
            Mention::ROLES
                .iter()
                .all(|role| error.contains(role.as_str())),
            "{error}"
        );
    }
}
