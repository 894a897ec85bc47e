//! Who else runs in this process: jobs run in company, and one that its workers died with runs alone.
//!
//! A job that ends its process takes the others down with it, so after some deaths all of them are suspects. Only a
//! death while alone tells which one it was. Whoever waits to be alone goes before those who come later.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// All engines of one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company(Arc<RwLock<()>>);

/// A place in the process. It is kept until the outcome of the last job that shares it is durable.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Among(#[expect(dead_code, reason = "held, not read")] Arc<OwnedRwLockReadGuard<()>>),
    Alone(#[expect(dead_code, reason = "held, not read")] Arc<OwnedRwLockWriteGuard<()>>),
}

impl Company {
    /// A place among others. Waits while somebody is alone, or waits to be.
    pub(crate) async fn among(&self) -> Place {
        Place::Among(Arc::new(self.0.clone().read_owned().await))
    }

    /// A place among others, if nobody is alone or waits to be.
    pub(crate) fn try_among(&self) -> Option<Place> {
        let place = self.0.clone().try_read_owned().ok()?;
        Some(Place::Among(Arc::new(place)))
    }

    /// The whole process, once everything that runs in it has ended.
    pub(crate) async fn alone(&self) -> Place {
        Place::Alone(Arc::new(self.0.clone().write_owned().await))
    }
}

impl Place {
    /// Whether nobody else is here.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Self::Alone(_))
    }
}
