//! A listing of mapped records, page by page, each with its lists as if it had been read alone.

use std::sync::Arc;

use signalbox_core::Record;

use super::{entity::EntitySet, lists::Origin, mapping};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{
        Intent,
        pages::{Fetched, Pages},
    },
    service::Service,
};

/// A listing that is being read.
#[derive(Debug)]
pub struct Listing {
    service: Service,
    pages: Pages,
    set: Arc<EntitySet>,
    intent: Intent,
    /// A page whose records may still lack parts of their lists.
    begun: Option<Fetched>,
}

impl Listing {
    pub(super) fn new(service: Service, pages: Pages, set: Arc<EntitySet>) -> Self {
        Self {
            service,
            pages,
            set,
            intent: Intent::ReadOnly,
            begun: None,
        }
    }

    /// The same listing from the main database: nothing is missing because a replica lags behind.
    #[must_use]
    pub fn from_primary(self) -> Self {
        Self {
            pages: self.pages.with_intent(Intent::ReadWrite),
            intent: Intent::ReadWrite,
            ..self
        }
    }

    /// The records in a page from now on, if we and not the service decide.
    ///
    /// Once a page of this size has come, it is the size to begin the next listing of the set with.
    pub fn page_size(&self) -> Option<u32> {
        self.pages.page_size()
    }

    /// Halves the pages to come, the one that failed included, for a failure that
    /// [asks for it](Error::asks_to_split). False if a page is a single record already: then it is no use.
    ///
    /// What was read stays read: the same place in the listing is asked for again.
    pub fn halve(&mut self) -> bool {
        self.pages.halve()
    }

    /// The next page, mapped, or `None` after the last. A page that failed can be asked for again.
    ///
    /// A page may be empty without being the last.
    pub async fn next(&mut self, errand: Errand<'_>) -> Result<Option<Vec<Record>>, Error> {
        if self.begun.is_none() {
            self.begun = self.pages.next_page(errand).await?;
        }
        let Some(page) = &mut self.begun else {
            return Ok(None);
        };
        let origin = Origin {
            service: &self.service,
            url: &page.url,
            exchange: &page.exchange,
            intent: self.intent,
        };
        for record in &mut page.records {
            origin.complete_lists(record, &self.set, errand).await?;
        }
        let page = self.begun.take();
        Ok(page.map(|page| {
            let records = page.records.into_iter();
            records
                .map(|record| mapping::map(record, &self.set))
                .collect()
        }))
    }
}
