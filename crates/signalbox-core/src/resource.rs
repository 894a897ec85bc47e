//! The `resource` of a Business Central notification: which company, which set, which record.
//!
//! Seen in the wild as a relative path without a leading slash, with one, and as an absolute URL
//! (facts, Business Central §2.6), so the reading starts at `companies(` and ignores what stands before it.

use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// What a notification points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The company's id.
    pub company: Uuid,
    /// The entity set, for example `purchaseInvoices`.
    pub set: String,
    /// The record's key, without quotes. `None` for a whole set.
    pub key: Option<String>,
    /// The `$filter` of a collection, decoded. `None` means the whole set is meant.
    pub filter: Option<String>,
}

/// Why a `resource` could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no company and entity set; expected `…companies(ID)/SET(KEY)`")]
pub struct ResourceError(String);

impl Resource {
    /// Reads a `resource` in any of its forms.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        let read = || {
            let (_, rest) = text.split_once("companies(")?;
            let (company, rest) = rest.split_once(")/")?;
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let (set, key) = match path.split_once('(') {
                Some((set, key)) => (set, Some(key.strip_suffix(')')?)),
                None => (path, None),
            };
            let named =
                !set.is_empty() && set.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            named.then_some(())?;
            Some(Self {
                company: company.parse().ok()?,
                set: set.to_owned(),
                key: key.map(key_text),
                filter: filter_of(query),
            })
        };
        read().ok_or_else(|| ResourceError(text.chars().take(200).collect()))
    }

    /// The instant after which the set changed, for a collection that names one.
    pub fn changed_since(&self) -> Option<jiff::Timestamp> {
        // The documented sample spells the field `lastDateTimeModified`; only the instant at the end matters.
        self.filter.as_ref()?.rsplit(' ').next()?.parse().ok()
    }
}

/// Text keys of custom pages are quoted and escaped, ids are bare.
fn key_text(key: &str) -> String {
    let bare = key
        .strip_prefix('\'')
        .and_then(|key| key.strip_suffix('\''))
        .unwrap_or(key);
    percent_decode_str(bare).decode_utf8_lossy().into_owned()
}

fn filter_of(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| {
        pair.strip_prefix("$filter=")
            .or_else(|| pair.strip_prefix("%24filter="))
    })?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::Resource;

    const COMPANY: &str = "70c0c603-f4f9-ef11-9344-6045bdc8c234";

    fn check(text: &str, key: Option<&str>, since: Option<&str>) {
        let resource = Resource::parse(&text.replace("ID", COMPANY)).unwrap();
        assert_eq!(resource.company.to_string(), COMPANY, "{text}");
        assert_eq!(resource.key.as_deref(), key, "{text}");
        let expected = since.map(|at| at.parse().unwrap());
        assert_eq!(resource.changed_since(), expected, "{text}");
    }

    #[test]
    fn every_form_seen_in_the_wild_is_read() {
        let at = "2026-03-02T10:01:58.95Z";
        check("api/v2.0/companies(ID)/vendors(7f)", Some("7f"), None);
        check("/api/v2.0/companies(ID)/vendors", None, None);
        check(
            "https://host/v2.0/t/e/api/v2.0/companies(ID)/vendors(7f)",
            Some("7f"),
            None,
        );
        check(
            "api/p/g/v1.0/companies(ID)/things('A%2FB')",
            Some("A/B"),
            None,
        );
        check(
            &format!("api/v2.0/companies(ID)/items?$filter=lastModifiedDateTime%20gt%20{at}"),
            None,
            Some(at),
        );
    }

    #[test]
    fn what_names_no_company_or_set_is_refused_with_what_was_expected() {
        for text in [
            "",
            "vendors(1)",
            "companies(x)/vendors",
            "companies()/",
            "companies(ID)/(1)",
        ] {
            let refused = Resource::parse(&text.replace("ID", COMPANY));
            assert!(refused.is_err(), "{text} was read as {refused:?}");
        }
    }
}
