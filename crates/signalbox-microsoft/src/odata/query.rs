//! Builds query strings as the services expect them: `$` and `(` plain, spaces as `%20`, never as `+`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Kept plain in values, because OData's own punctuation is made of them and no URL part ends at them.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'_')
    .remove(b'~');

/// `url` with these options as its query; empty values are left out.
pub(crate) fn with_query(mut url: Url, options: &[(&str, &str)]) -> Url {
    let pairs: Vec<String> = options
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    url.set_query((!pairs.is_empty()).then(|| pairs.join("&")).as_deref());
    url
}

/// `value` as it stands in a query.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

/// `text` as a string literal of a filter: in single quotes, its own doubled.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::{literal, with_query};

    #[test]
    fn options_are_encoded_for_odata() {
        let url = with_query(
            "https://host/teams".parse().unwrap(),
            &[
                ("$select", "id,displayName"),
                ("$expand", "lines($select=a,b)"),
                (
                    "$filter",
                    &format!("displayName eq {}", literal("R&D + O'Hara")),
                ),
                ("$top", ""),
            ],
        );
        assert_eq!(
            url.as_str(),
            "https://host/teams?$select=id,displayName&$expand=lines($select=a,b)\
             &$filter=displayName%20eq%20%27R%26D%20%2B%20O%27%27Hara%27"
        );
    }
}
