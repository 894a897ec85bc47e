//! The entity sets that a connection knows, by name.

use std::{collections::BTreeMap, sync::Arc};

use super::{entity::EntitySet, shipped};

/// The entity sets that a connection knows.
#[derive(Debug, Clone)]
pub struct Entities(BTreeMap<String, Arc<EntitySet>>);

impl Entities {
    /// The sets that come with Signalbox. Dimensions cost the service time, so they are read only if asked for.
    pub fn shipped(dimensions: bool) -> Self {
        let sets = shipped::sets().into_iter().map(|mut set| {
            if !dimensions {
                set.dimensions = None;
            }
            (set.name.clone(), Arc::new(set))
        });
        Self(sets.collect())
    }

    /// Adds a set, which takes the place of one with the same name.
    pub fn add(&mut self, set: EntitySet) {
        self.0.insert(set.name.clone(), Arc::new(set));
    }

    /// The set with this name; cheap to clone.
    pub fn get(&self, name: &str) -> Option<&Arc<EntitySet>> {
        self.0.get(name)
    }

    /// All sets, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<EntitySet>> {
        self.0.values()
    }
}
