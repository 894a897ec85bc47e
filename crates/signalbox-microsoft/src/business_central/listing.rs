//! A listing of mapped records, page by page.

use signalbox_core::Record;

use super::{entity::EntitySet, mapping};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{Intent, pages::Pages},
};

/// A listing that is being read.
#[derive(Debug)]
pub struct Listing {
    pages: Pages,
    set: &'static EntitySet,
}

impl Listing {
    pub(super) fn new(pages: Pages, set: &'static EntitySet) -> Self {
        Self { pages, set }
    }

    /// The same listing from the main database: nothing is missing because a replica lags behind.
    #[must_use]
    pub fn from_primary(self) -> Self {
        Self {
            pages: self.pages.with_intent(Intent::ReadWrite),
            set: self.set,
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
        let page = self.pages.next(errand).await?;
        Ok(page.map(|records| {
            records
                .into_iter()
                .map(|record| mapping::map(record, self.set))
                .collect()
        }))
    }
}
