//! What an access token says about itself, for `check` and for nothing else.
//!
//! A client has no right to rely on it: a token is meant for its service, which may stop using this form any day. So
//! whatever cannot be read is no error, and nothing is decided by it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Token;

/// The claims of an application's token that matter here (facts, Business Central §1.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenClaims {
    /// The service that the token is for, as URI or as application id.
    #[serde(rename = "aud")]
    pub audience: String,
    /// The application permissions that were consented to.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The application's id.
    #[serde(rename = "appid", default)]
    pub application: Option<String>,
    /// The tenant's id.
    #[serde(rename = "tid", default)]
    pub tenant: Option<String>,
}

/// The claims of `token`, if it is a token of a form that can be read.
pub(crate) fn read(token: &Token) -> Option<TokenClaims> {
    let text = token.secret().expose_secret();
    let payload = text.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::{Token, read};

    fn token(payload: &str) -> Token {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        Token::new(format!("e30.{payload}.c2ln").into())
    }

    #[test]
    fn audience_and_roles_are_read_and_all_else_is_passed_over() {
        let text =
            r#"{"aud":"https://api.example.com","roles":["A","B"],"tid":"t","appid":"a","exp":1}"#;
        let claims = read(&token(text)).unwrap();
        assert_eq!(claims.audience, "https://api.example.com");
        assert_eq!(claims.roles, ["A", "B"]);
        let few = read(&token(r#"{"aud":"x"}"#)).unwrap();
        assert!(few.roles.is_empty() && few.tenant.is_none());
    }

    #[test]
    fn a_token_in_another_form_says_nothing() {
        for text in ["opaque", "a.b.c", "..", ""] {
            assert_eq!(read(&Token::new(text.to_owned().into())), None, "{text}");
        }
        assert_eq!(read(&token("[]")), None);
    }
}
