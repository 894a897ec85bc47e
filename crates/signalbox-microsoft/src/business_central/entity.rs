//! An entity set, as data: where it is, what is read of it, and what a route announces of it unless it says otherwise.
//!
//! The sets that come with Signalbox are in `shipped.rs`, those of the configuration are made the same way.

use serde_json::Value;
use signalbox_core::Record;
use uuid::Uuid;

use crate::odata::query::literal;

/// How one entity set is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitySet {
    /// The name that routes, jobs and notifications know it by.
    pub name: String,
    /// The API that has it.
    pub api: Api,
    /// The field that a record is addressed by.
    pub key: String,
    /// The field with the document number.
    pub document: String,
    /// The field that numbers the records, for a set that only grows.
    pub serial: Option<String>,
    /// The field with the instant of the last change. Without it, only a look at the whole set shows a change.
    pub modified: Option<String>,
    /// The `status` of a document that is nobody's business yet.
    pub draft: Option<String>,
    /// Whether the general ledger is asked which of its `Open` documents are posted.
    pub told_by_ledger: bool,
    /// The fields that are read.
    pub select: Vec<String>,
    /// Which of them are enums and are decoded.
    pub enums: Vec<String>,
    /// The lines that are read along.
    pub lines: Option<Lines>,
    /// The dimensions that are read along, if the connection asks for them.
    pub dimensions: Option<Dimensions>,
    /// An expression: what a route announces once per document.
    pub once: Option<String>,
    /// The card.
    pub card: String,
    /// The web client's page for it.
    pub page: Option<Page>,
}

/// Which API has an entity set (facts, Business Central §1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// In Microsoft's API v2.0.
    Standard,
    /// In an API of an extension.
    Custom {
        /// `{publisher}/{group}/{version}`.
        route: String,
    },
    /// A page that is published as a web service. It has no notifications, and names its company instead of its id.
    WebService {
        /// The service's name in its URL.
        service: String,
    },
}

/// The lines of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The navigation property.
    pub navigation: String,
    /// The fields that are read.
    pub select: Vec<String>,
    /// Which of them are enums and are decoded.
    pub enums: Vec<String>,
    /// The amount whose exact sum over all lines becomes `linesTotal`; their number becomes `lineCount`.
    pub amount: Option<String>,
}

/// Where a record's dimensions are (facts, Business Central §3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// The navigation property.
    pub navigation: &'static str,
    /// The field with the dimension's code.
    pub code: &'static str,
    /// The field with the code of its value.
    pub value: &'static str,
}

/// Pages of the web client, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The page of a record.
    pub id: u32,
    /// The page of a document that is not posted.
    pub unposted_id: u32,
    /// The caption of the field that the page is filtered by.
    pub field: &'static str,
}

impl EntitySet {
    /// The document number of `record`; empty if it has none.
    pub fn document_of(&self, record: &Record) -> String {
        text(record, &self.document)
    }

    /// What addresses `record`; empty if it was not read.
    pub fn key_of(&self, record: &Record) -> String {
        text(record, &self.key)
    }

    /// When `record` was changed, if the set tells.
    pub fn modified_at(&self, record: &Record) -> Option<jiff::Timestamp> {
        text(record, self.modified.as_deref()?).parse().ok()
    }

    /// The number of `record` in a set that only grows.
    pub fn serial_of(&self, record: &Record) -> Option<i64> {
        text(record, self.serial.as_deref()?).parse().ok()
    }

    /// Whether `record` is a document that is nobody's business yet.
    pub fn is_draft(&self, record: &Record) -> bool {
        let draft = self.draft.as_deref();
        draft.is_some_and(|draft| record.get("status").is_some_and(|status| status == draft))
    }

    /// What `webhookSupportedResources` calls it, for example `v2.0/vendors`. `None` if it can have no notifications.
    pub fn webhook_resource(&self) -> Option<String> {
        let route = match &self.api {
            Api::Standard => "v2.0",
            Api::Custom { route } => route,
            Api::WebService { .. } => return None,
        };
        Some(format!("{route}/{}", self.name))
    }

    /// Its last segment in URLs.
    pub(crate) fn segment(&self) -> &str {
        match &self.api {
            Api::WebService { service } => service,
            Api::Standard | Api::Custom { .. } => &self.name,
        }
    }

    /// The value of `$select`, with the fields that are needed whatever a card shows.
    pub(crate) fn selected(&self) -> String {
        let needed = [Some(&self.key), Some(&self.document)].into_iter();
        let needed = needed.chain([self.serial.as_ref(), self.modified.as_ref()]);
        let mut fields: Vec<&str> = self.select.iter().map(String::as_str).collect();
        for field in needed.flatten() {
            if !fields.contains(&field.as_str()) {
                fields.push(field);
            }
        }
        fields.join(",")
    }

    /// The value of `$expand`; empty for a set without lists.
    pub(crate) fn expanded(&self) -> String {
        let lines = self.lines.iter().map(|lines| {
            let select = lines.select.join(",");
            format!("{}($select={select})", lines.navigation)
        });
        let dimensions = self.dimensions.iter().map(|dimensions| {
            let Dimensions {
                navigation,
                code,
                value,
            } = dimensions;
            format!("{navigation}($select={code},{value})")
        });
        lines.chain(dimensions).collect::<Vec<_>>().join(",")
    }

    /// The lists that a record is read with.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().map(|lines| lines.navigation.as_str());
        lines.chain(self.dimensions.iter().map(|one| one.navigation))
    }

    /// What follows the set's name in the URL of one record.
    ///
    /// Ids and numbers are bare and every other key is quoted; web services name their key.
    pub(crate) fn key_in_url(&self, key: &str) -> String {
        let is_number = self.serial.as_deref() == Some(&self.key) && key.parse::<i64>().is_ok();
        let value = match key.parse::<Uuid>() {
            Ok(id) => id.to_string(),
            Err(_) if is_number => key.to_owned(),
            Err(_) => literal(key),
        };
        match self.api {
            Api::WebService { .. } => format!("({}={value})", self.key),
            Api::Standard | Api::Custom { .. } => format!("({value})"),
        }
    }
}

/// A field as text, with the literal digits of a number.
fn text(record: &Record, field: &str) -> String {
    match record.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
