//! Several records of one set in one request, so that many changes cost few requests.
//!
//! Records that are addressed by ids are asked for with a filter, all others with a `$batch` (docs/decisions/0022).
//! Either way a record that the answer does not have is gone, and a company, a set or an environment that is not there
//! is an error.

mod batch;
mod filter;

use std::sync::Arc;

use signalbox_core::Record;
use uuid::Uuid;

use super::{BusinessCentral, CompanyKey, entity::EntitySet};
use crate::{
    http::{errand::Errand, error::Error},
    odata::Intent,
};

/// Requests in one `$batch` (facts, Business Central §5.1). As many ids have room in a URL, give or take a few.
const MOST: usize = 100;

/// Which records of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKeys<'a> {
    /// The company.
    pub company: CompanyKey<'a>,
    /// The records' keys, each an id or a text.
    pub keys: &'a [&'a str],
}

/// What became of one record among others: `None` if it is gone, and an error that is its alone.
pub type AskedFor = Result<Option<Record>, Error>;

impl BusinessCentral {
    /// How many records of `set` one request can ask for, if they are addressed as `key` is.
    pub fn most_together(&self, set: &EntitySet, company: CompanyKey<'_>, key: &str) -> usize {
        if key.parse::<Uuid>().is_ok() {
            self.most_in_filter(set, company)
        } else {
            MOST
        }
    }

    /// The records with these keys, each as [`record`](Self::record) reads it, in the order of the keys.
    ///
    /// One request asks for all of them: there may be no more than [`most_together`](Self::most_together) says. Only
    /// lists that come in pages cost more.
    ///
    /// # Errors
    /// What befell the request, and with it every record.
    pub async fn records(
        &self,
        set: &Arc<EntitySet>,
        RecordKeys { company, keys }: RecordKeys<'_>,
        intent: Intent,
        errand: Errand<'_>,
    ) -> Result<Vec<AskedFor>, Error> {
        let ids: Option<Vec<Uuid>> = keys.iter().map(|key| key.parse().ok()).collect();
        match ids {
            Some(ids) => {
                let found = self.by_ids(set, company, &ids, (intent, errand)).await?;
                Ok(found.into_iter().map(Ok).collect())
            }
            None => self.by_batch(set, company, keys, (intent, errand)).await,
        }
    }
}
