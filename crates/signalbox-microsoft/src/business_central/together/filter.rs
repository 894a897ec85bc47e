//! Records by a filter on their ids: `id eq A or id eq B`.
//!
//! `or` is allowed because all parts compare one field (facts, Business Central §4).

use std::{collections::HashMap, sync::Arc};

use signalbox_core::Record;
use uuid::Uuid;

use super::MOST;
use crate::{
    business_central::{BusinessCentral, CompanyKey, entity::EntitySet},
    http::{errand::Errand, error::Error},
    odata::{Intent, query::with_query},
};

/// How long a URL may be, in bytes: nobody says how much the service takes, so 8 KB is kept (facts, Business Central
/// §4).
const LONGEST_URL: usize = 8000;

impl BusinessCentral {
    pub(super) fn most_in_filter(&self, set: &EntitySet, company: CompanyKey<'_>) -> usize {
        let (select, expand) = (set.selected(), set.expanded());
        let length = |filter: &str| {
            let options = [
                ("$filter", filter),
                ("$select", &select),
                ("$expand", &expand),
            ];
            let url = with_query(self.set_url(set, company, ""), &options);
            url.as_str().len()
        };
        let (one, two) = (filter(set, &[Uuid::nil()]), filter(set, &[Uuid::nil(); 2]));
        let (first, each) = (length(&one), length(&two) - length(&one));
        (1 + LONGEST_URL.saturating_sub(first) / each).min(MOST)
    }

    pub(super) async fn by_ids(
        &self,
        set: &Arc<EntitySet>,
        company: CompanyKey<'_>,
        ids: &[Uuid],
        (intent, errand): (Intent, Errand<'_>),
    ) -> Result<Vec<Option<Record>>, Error> {
        // All in one page, whatever the service's own idea of a page is.
        let page_size = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let listing = self.listing(set, company, &filter(set, ids), page_size);
        let mut listing = match intent {
            Intent::ReadOnly => listing,
            Intent::ReadWrite => listing.from_primary(),
        };
        let mut by_id = HashMap::with_capacity(ids.len());
        while let Some(page) = listing.next(errand).await? {
            for record in page {
                if let Ok(id) = set.key_of(&record).parse::<Uuid>() {
                    by_id.insert(id, record);
                }
            }
        }
        // Two jobs may ask for one record, if its id was spelled in two ways.
        Ok(ids.iter().map(|id| by_id.get(id).cloned()).collect())
    }
}

fn filter(set: &EntitySet, ids: &[Uuid]) -> String {
    let each = ids.iter().map(|id| format!("{} eq {id}", set.key));
    each.collect::<Vec<_>>().join(" or ")
}
