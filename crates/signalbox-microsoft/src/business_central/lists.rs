//! Expanded lists, which may themselves come in pages: a total over the first of them would be wrong.

use serde_json::Value;
use signalbox_core::Record;
use url::Url;

use super::entity::EntitySet;
use crate::{
    http::{errand::Errand, error::Error, exchange::Exchange},
    odata::{
        Intent,
        pages::{Pages, follow},
    },
    service::Service,
};

/// Where a record came from, for the links in it.
pub(super) struct Origin<'a> {
    pub(super) service: &'a Service,
    pub(super) url: &'a Url,
    pub(super) exchange: &'a Exchange,
    pub(super) intent: Intent,
}

impl Origin<'_> {
    /// Adds to the lists of `record` what their first pages left out. After a failure it can be asked again.
    pub(super) async fn complete_lists(
        &self,
        record: &mut Record,
        set: &EntitySet,
        errand: Errand<'_>,
    ) -> Result<(), Error> {
        for list in set.lists() {
            let name = format!("{list}@odata.nextLink");
            let Some(Value::String(link)) = record.get(&name) else {
                continue;
            };
            let next = follow(self.url, link)
                .map_err(|defect| Error::garbled(self.exchange.clone(), defect))?;
            let pages = Pages::new(self.service.clone(), next, None, self.intent);
            let more = pages.all(errand).await?;
            record.remove(&name);
            if let Some(Value::Array(have)) = record.get_mut(list) {
                have.extend(more.into_iter().map(Value::Object));
            }
        }
        Ok(())
    }
}
