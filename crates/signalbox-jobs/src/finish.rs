//! What is added to a record after it was read, for reads and for looks at whole sets alike: a card from the one equals
//! a card from the other.

use signalbox_core::{JobError, Record};
use signalbox_microsoft::{CompanyKey, EntitySet};

use crate::{Source, way::Way};

impl Source {
    /// Adds to the records of one page what other sets tell of them, `entity`, `company` (its name) and `link`.
    ///
    /// Everything that is read or listed goes through here before a route sees it.
    pub(crate) async fn finish(
        &self,
        set: &EntitySet,
        company: CompanyKey<'_>,
        records: &mut [Record],
        way: &Way<'_>,
    ) -> Result<(), JobError> {
        let completed = self
            .client
            .complete(set, company, records, way.errand())
            .await;
        if let Err(error) = completed {
            return Err(way.fault(error).await);
        }
        for record in records {
            if let Some(link) = self.client.web_link(set, company.name, record) {
                record.insert("link".to_owned(), link.to_string().into());
            }
            record.insert("entity".to_owned(), set.name.clone().into());
            if !company.name.is_empty() {
                record.insert("company".to_owned(), company.name.into());
            }
        }
        Ok(())
    }
}
