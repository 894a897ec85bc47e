//! The wire form of notifications: read leniently, because a member that is missing or new must not lose the rest.

use jiff::Timestamp;
use serde::Deserialize;

/// The body of a POST.
#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    value: Vec<Notification>,
}

/// One change (facts, Business Central §2.5). The record's data is never part of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Notification {
    pub(crate) subscription_id: Option<String>,
    pub(crate) client_state: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) change_type: Option<String>,
    /// Kept as text, so that an odd one does not make the whole body unreadable.
    pub(crate) last_modified_date_time: Option<String>,
}

impl Notification {
    /// When the record changed, if the notification says so.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        self.last_modified_date_time.as_ref()?.parse().ok()
    }
}

/// Reads a body; a byte order mark in front of it is passed over.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Notification>, serde_json::Error> {
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    Ok(serde_json::from_slice::<Body>(text)?.value)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn unknown_and_missing_members_are_passed_over() {
        let body = br#"{"value":[{"resource":"r","new":{"a":1}},{"changeType":"odd"}],"more":[]}"#;
        let read = read(body).unwrap();
        assert_eq!(read[0].resource.as_deref(), Some("r"));
        assert_eq!(read[1].changed_at(), None);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert!(
            read("\u{feff}{\"value\":[]}".as_bytes())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(read(b"<html>").is_err());
        assert!(read(b"").is_err());
    }
}
