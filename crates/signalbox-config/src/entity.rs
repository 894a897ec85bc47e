//! `[connections.NAME.entities.SET]`: an entity set that does not come with Signalbox, of an extension or a page that
//! is published as a web service.

use serde::{Deserialize, Deserializer};

use crate::{business_central::Wrong, credential::filled};

/// An entity set of a connection's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Where it is.
    pub path: EntityPath,
    /// The field that a record is addressed by.
    pub key: String,
    /// The field with the document number.
    pub document: String,
    /// The field with the instant of the last change.
    pub modified: Option<String>,
    /// The field that numbers the records of a set that only grows.
    pub serial: Option<String>,
    /// The fields that are read.
    pub select: Vec<String>,
    /// Which of them are enums.
    pub enums: Vec<String>,
    /// An expression: what is announced once per document.
    pub once: Option<String>,
    /// The lines that are read along.
    pub lines: Option<EntityLines>,
}

/// Where an entity set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityPath {
    /// In an API: its publisher, group and version, for example `contoso/finance/v1.0`.
    Api(String),
    /// A web service: its name.
    WebService(String),
}

/// The lines of an entity set's records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityLines {
    /// The navigation property.
    #[serde(deserialize_with = "filled")]
    pub navigation: String,
    /// The fields that are read.
    #[serde(deserialize_with = "names")]
    pub select: Vec<String>,
    /// Which of them are enums.
    #[serde(default)]
    pub enums: Vec<String>,
    /// The amount that is added up.
    pub amount: Option<String>,
}

/// The entity set as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntitySection {
    #[serde(deserialize_with = "filled")]
    path: String,
    key: Option<String>,
    #[serde(deserialize_with = "filled")]
    document: String,
    modified: Option<String>,
    serial: Option<String>,
    #[serde(deserialize_with = "names")]
    select: Vec<String>,
    #[serde(default)]
    enums: Vec<String>,
    once: Option<String>,
    lines: Option<EntityLines>,
}

impl EntitySection {
    /// The entity set called `name`.
    pub(crate) fn resolve(self, name: &str) -> Result<Entity, Wrong> {
        let path = path(&self.path, name)?;
        let key = match (self.key, &path) {
            (Some(key), _) => key,
            (None, EntityPath::Api(_)) => "id".to_owned(),
            (None, EntityPath::WebService(_)) => {
                let fix =
                    "name the field that a record is addressed by, for example `key = \"No\"`";
                return Err(("key", "is missing, and web services have no `id`", fix));
            }
        };
        Ok(Entity {
            path,
            key,
            document: self.document,
            modified: self.modified,
            serial: self.serial,
            select: self.select,
            enums: self.enums,
            once: self.once,
            lines: self.lines,
        })
    }
}

fn path(text: &str, name: &str) -> Result<EntityPath, Wrong> {
    let parts: Vec<&str> = text.split('/').collect();
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err(("path", NO_PATH.0, NO_PATH.1));
    }
    match parts[..] {
        // Notifications name a set by the last part, and nothing else would find its way back.
        ["api", _, _, _, set] if set != name => Err((
            "path",
            "ends in another name than its table has",
            "call the table as the path ends, because notifications do",
        )),
        ["api", publisher, group, version, _] => {
            Ok(EntityPath::Api(format!("{publisher}/{group}/{version}")))
        }
        ["ODataV4", service] => Ok(EntityPath::WebService(service.to_owned())),
        _ => Err(("path", NO_PATH.0, NO_PATH.1)),
    }
}

const NO_PATH: (&str, &str) = (
    "is no path of an entity set",
    "write `api/PUBLISHER/GROUP/VERSION/SET` or `ODataV4/SERVICE`, without the company",
);

/// The names of fields, at least one.
fn names<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(input)?;
    let fine = !names.is_empty() && names.iter().all(|name| !name.trim().is_empty());
    fine.then_some(names).ok_or_else(|| {
        serde::de::Error::custom("names no field; list the fields that are read, as [\"number\"]")
    })
}
