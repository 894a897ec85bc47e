//! The entity sets that a connection knows: those that come with Signalbox and those of its configuration.

use signalbox_config::{BusinessCentral, Entity, EntityLines, EntityPath};
use signalbox_microsoft::{Api, Entities, EntitySet, Lines};

/// The card that shows any record.
const ANY_RECORD: &str = "record";

/// What is announced once of records that are only ever added.
const ADDED: &str = "'added'";

/// The entity sets that `connection` knows. A configured one takes the place of one that comes with Signalbox.
pub(crate) fn entities(connection: &BusinessCentral) -> Entities {
    let mut entities = Entities::shipped(connection.dimensions);
    for (name, entity) in &connection.entities {
        entities.add(configured(name, entity.clone()));
    }
    entities
}

fn configured(name: &str, entity: Entity) -> EntitySet {
    let added = entity.serial.as_ref().map(|_| ADDED.to_owned());
    EntitySet {
        name: name.to_owned(),
        api: match entity.path {
            EntityPath::Api(route) => Api::Custom { route },
            EntityPath::WebService(service) => Api::WebService { service },
        },
        key: entity.key,
        document: entity.document,
        serial: entity.serial,
        modified: entity.modified,
        draft: None,
        told_by_ledger: false,
        select: entity.select,
        enums: entity.enums,
        lines: entity.lines.map(lines),
        dimensions: None,
        once: entity.once.or(added),
        card: ANY_RECORD.to_owned(),
        page: None,
    }
}

fn lines(lines: EntityLines) -> Lines {
    Lines {
        navigation: lines.navigation,
        select: lines.select,
        enums: lines.enums,
        amount: lines.amount,
    }
}
