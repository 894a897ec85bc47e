//! What looks at whole sets ask for beside records: the ids of all of them, and the highest number.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use signalbox_core::Record;

use super::{BusinessCentral, CompanyKey, entity::EntitySet, listing::Listing};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{Intent, pages::Pages, query::with_query},
};

#[derive(Deserialize)]
struct First {
    value: Vec<Record>,
}

impl BusinessCentral {
    /// All records of a set, of which only the key, the document number and the instant of the last change are read.
    pub fn ids(&self, set: &Arc<EntitySet>, company: CompanyKey<'_>, page_size: u32) -> Listing {
        let mut fields = vec![set.key.as_str()];
        for field in [Some(&set.document), set.modified.as_ref()]
            .into_iter()
            .flatten()
        {
            if !fields.contains(&field.as_str()) {
                fields.push(field);
            }
        }
        let select = fields.join(",");
        let url = with_query(self.set_url(set, company, ""), &[("$select", &select)]);
        let service = self.service.clone();
        let pages = Pages::new(service.clone(), url, Some(page_size), Intent::ReadOnly);
        Listing::new(service, pages, Arc::clone(set))
    }

    /// The highest number of a set that only grows; `None` if it is empty or its records have no numbers.
    ///
    /// From the primary copy, because what is numbered up to it counts as known. The number is the table's own key, so
    /// that the order costs nothing (facts, Business Central §3.7 and §4).
    pub async fn highest(
        &self,
        set: &EntitySet,
        company: CompanyKey<'_>,
        errand: Errand<'_>,
    ) -> Result<Option<i64>, Error> {
        let Some(serial) = set.serial.as_deref() else {
            return Ok(None);
        };
        let order = format!("{serial} desc");
        let options = [
            ("$orderby", order.as_str()),
            ("$top", "1"),
            ("$select", serial),
        ];
        let url = with_query(self.set_url(set, company, ""), &options);
        let call = self.service.call(Method::GET, url, errand);
        let answer = self.service.send(Intent::ReadWrite.on(call)).await?;
        let first: First = answer.json()?;
        let numbers = first
            .value
            .iter()
            .filter_map(|record| set.serial_of(record));
        Ok(numbers.max())
    }
}
