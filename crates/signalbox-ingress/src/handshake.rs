//! The handshake: the token of a new or renewed subscription is echoed before anything else is looked at.
//!
//! It comes as POST, perhaps as GET, and the name's case is not promised (facts, Business Central §2.2).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A token longer than this is not one.
const LONGEST_TOKEN: usize = 4096;

/// The validation token of a request's query, decoded.
pub(crate) fn validation_token(query: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut tokens = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("validationToken"));
    let (_, value) = tokens.next()?;
    if value.len() > LONGEST_TOKEN {
        return None;
    }
    let spaced = value.replace('+', " ");
    let token = percent_decode_str(&spaced).decode_utf8_lossy();
    Some(Cow::into_owned(token))
}

#[cfg(test)]
mod tests {
    use super::validation_token;

    fn check(query: &str, expected: Option<&str>) {
        assert_eq!(validation_token(query).as_deref(), expected, "{query}");
    }

    #[test]
    fn the_token_is_found_whatever_stands_beside_it() {
        check("validationToken=abc", Some("abc"));
        check("code=1&VALIDATIONTOKEN=a%2Fb%20c", Some("a/b c"));
        check("validationtoken=", Some(""));
        check("code=validationToken", None);
        check("", None);
    }
}
