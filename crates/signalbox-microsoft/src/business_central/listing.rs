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
