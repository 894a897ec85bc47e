//! A listing that comes to its end: a page that is too much is asked for again with half its records, and a listing
//! whose place the source has forgotten begins anew.
//!
//! The size that works is remembered for the set, and grows again after a while.

use signalbox_core::{JobError, Record};
use signalbox_microsoft::{Error, Listing};

use super::Attempt;

/// A listing begins anew so often in one attempt.
const MOST_ANEW: u32 = 3;

/// What comes next.
pub(super) enum Turn {
    /// A page, as it was listed.
    Page(Vec<Record>),
    /// The listing began anew: what came before will come again.
    Anew,
    /// There is no more.
    End,
}

/// A listing that is being read.
pub(super) struct Reading<'a, F> {
    attempt: &'a Attempt<'a>,
    begin: F,
    listing: Listing,
    /// What is remembered, if anything is.
    remembered: Option<u32>,
    anew: u32,
}

impl<'a, F: Fn(u32) -> Listing> Reading<'a, F> {
    /// A listing that `begin` makes for a page size.
    pub(super) async fn begin(attempt: &'a Attempt<'a>, begin: F) -> Result<Self, JobError> {
        let remembered = attempt.mark().await?.and_then(|mark| mark.page_size);
        let usual = attempt.source.page_size;
        let listing = begin(remembered.map_or(usual, |size| size.min(usual)));
        Ok(Self {
            attempt,
            begin,
            listing,
            remembered,
            anew: 0,
        })
    }

    /// The next page, or what else came of asking for it.
    pub(super) async fn next(&mut self) -> Result<Turn, JobError> {
        loop {
            let error = match self.listing.next(self.attempt.way.errand()).await {
                Ok(Some(page)) => {
                    self.remember().await?;
                    return Ok(Turn::Page(page));
                }
                Ok(None) => {
                    self.ended().await?;
                    return Ok(Turn::End);
                }
                Err(error) => error,
            };
            if matches!(error, Error::Expired { .. }) && self.anew < MOST_ANEW {
                self.anew += 1;
                self.listing = (self.begin)(self.size());
                return Ok(Turn::Anew);
            }
            if !(error.asks_to_split() && self.listing.halve()) {
                return Err(self.attempt.way.fault(error).await);
            }
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                page.size = self.size(),
                "a page is too much for the source; asking for half of it"
            );
        }
    }

    fn size(&self) -> u32 {
        let usual = self.attempt.source.page_size;
        self.listing.page_size().unwrap_or(usual)
    }

    /// At once, because an attempt that ends in the middle is followed by one that shall not begin too large.
    async fn remember(&mut self) -> Result<(), JobError> {
        let (size, usual) = (self.size(), self.attempt.source.page_size);
        if size >= usual || self.remembered.is_some_and(|known| known <= size) {
            return Ok(());
        }
        self.remembered = Some(size);
        let remember = |mark: &mut signalbox_core::Watermark| {
            (mark.page_size, mark.listings) = (Some(size), 0);
        };
        self.attempt.change_mark(remember).await
    }

    async fn ended(&self) -> Result<(), JobError> {
        if self.remembered.is_none() {
            return Ok(());
        }
        let (size, usual) = (self.size(), self.attempt.source.page_size);
        self.attempt
            .change_mark(|mark| mark.listed(size, usual))
            .await
    }
}
