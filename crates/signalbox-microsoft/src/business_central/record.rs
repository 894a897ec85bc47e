//! Reads one record with all of its lines.

use http::Method;
use signalbox_core::Record;
use url::Url;

use super::{BusinessCentral, CompanyKey, entity::EntitySet, gone, lists::Origin, mapping};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{Intent, query::with_query},
};

/// Which record of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey<'a> {
    /// The company.
    pub company: CompanyKey<'a>,
    /// The record's key: an id, or text for sets that are keyed by text.
    pub key: &'a str,
}

impl BusinessCentral {
    /// One record with its lines, mapped, or `None` if it is gone.
    ///
    /// A record just made may be missing from a replica: ask with [`Intent::ReadWrite`] before believing that.
    pub async fn record(
        &self,
        set: &EntitySet,
        key: RecordKey<'_>,
        intent: Intent,
        errand: Errand<'_>,
    ) -> Result<Option<Record>, Error> {
        let url = self.record_url(set, key);
        let call = intent.on(self.service.call(Method::GET, url.clone(), errand));
        let answer = match self.service.send(call).await {
            Err(error) if gone::is_gone(&error, set.segment()) => return Ok(None),
            answer => answer?,
        };
        let exchange = answer.exchange.clone();
        let mut record: Record = answer.json()?;
        let origin = Origin {
            service: &self.service,
            url: &url,
            exchange: &exchange,
            intent,
        };
        origin.complete_lists(&mut record, set, errand).await?;
        Ok(Some(mapping::map(record, set)))
    }

    /// Where `record` is asked for, with everything that is read of it.
    pub(crate) fn record_url(&self, set: &EntitySet, key: RecordKey<'_>) -> Url {
        let (select, expand) = (set.selected(), set.expanded());
        let options = [("$select", select.as_str()), ("$expand", &expand)];
        let url = self.set_url(set, key.company, &set.key_in_url(key.key));
        with_query(url, &options)
    }
}
