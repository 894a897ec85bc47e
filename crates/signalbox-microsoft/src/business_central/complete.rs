//! What a set leaves unsaid and another set tells: whether an open sales invoice is posted.
//!
//! `Open` is said of a released invoice and of a posted one that is not paid (facts, Business Central §3.5). Posting
//! makes entries in the general ledger under the document's number (§3.7), so a posted invoice has some and a released
//! one has none. That is inferred, not documented: an invoice is taken for posted if there is an entry of the type
//! `Invoice` with its number.

use std::collections::BTreeSet;

use signalbox_core::Record;

use super::{BusinessCentral, CompanyKey, entity::EntitySet};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{
        Intent,
        pages::Pages,
        query::{encoded, literal, with_query},
    },
    service::join,
};

/// The longest filter in a URL, encoded. Servers and proxies cut URLs off at 8 KiB.
const LONGEST_FILTER: usize = 6 * 1024;

impl BusinessCentral {
    /// Adds to the records of one page what other sets tell about them; asks nothing of sets that need nothing.
    ///
    /// A sales invoice gets `posted`, and `stage`: its status, but `Released` for an open one that is not posted. Call
    /// it for whatever was read or listed before a route sees it, because the stage is what routes announce once.
    pub async fn complete(
        &self,
        set: &EntitySet,
        company: CompanyKey<'_>,
        records: &mut [Record],
        errand: Errand<'_>,
    ) -> Result<(), Error> {
        if !set.told_by_ledger {
            return Ok(());
        }
        let open = records.iter().filter(|record| status(record) == "Open");
        let open: BTreeSet<String> = open.map(|record| set.document_of(record)).collect();
        let posted = self.with_entries(company, &open, errand).await?;
        for record in records {
            let posted = match status(record) {
                "Draft" | "In Review" => Some(false),
                "Open" => Some(posted.contains(&set.document_of(record))),
                "Paid" | "Canceled" | "Corrective" => Some(true),
                _ => None,
            };
            add_stage(record, posted);
        }
        Ok(())
    }

    /// Which of `numbers` are those of invoices in the general ledger.
    async fn with_entries(
        &self,
        company: CompanyKey<'_>,
        numbers: &BTreeSet<String>,
        errand: Errand<'_>,
    ) -> Result<BTreeSet<String>, Error> {
        let numbers = numbers.iter().filter(|number| !number.is_empty());
        let terms = numbers.map(|number| format!("documentNumber eq {}", literal(number)));
        let mut found = BTreeSet::new();
        for filter in filters(terms) {
            let company = format!("companies({})", company.id);
            let url = join(&self.base, [company.as_str(), "generalLedgerEntries"]);
            // The type is looked at here: a filter over two fields is one more thing that could be refused.
            let options = [
                ("$filter", filter.as_str()),
                ("$select", "documentNumber,documentType"),
            ];
            // From a replica that lags behind, a posted invoice would look like a released one.
            let url = with_query(url, &options);
            let pages = Pages::new(self.service.clone(), url, None, Intent::ReadWrite);
            let entries = pages.all(errand).await?.into_iter();
            let invoices = entries.filter(|entry| text(entry, "documentType") == "Invoice");
            found.extend(invoices.map(|entry| text(&entry, "documentNumber").to_owned()));
        }
        Ok(found)
    }
}

/// The terms joined with `or`, in as few filters as their length allows.
fn filters(terms: impl Iterator<Item = String>) -> Vec<String> {
    let mut filters: Vec<String> = Vec::new();
    let mut length = 0;
    for term in terms {
        let more = encoded(&format!(" or {term}")).len();
        match filters.last_mut() {
            Some(filter) if length + more <= LONGEST_FILTER => {
                filter.push_str(" or ");
                filter.push_str(&term);
                length += more;
            }
            _ => {
                filters.push(term);
                length = more;
            }
        }
    }
    filters
}

fn add_stage(record: &mut Record, posted: Option<bool>) {
    let stage = match (status(record), posted) {
        ("Open", Some(false)) => "Released",
        (status, _) => status,
    };
    if !stage.is_empty() {
        let stage = stage.to_owned();
        record.insert("stage".to_owned(), stage.into());
    }
    if let Some(posted) = posted {
        record.insert("posted".to_owned(), posted.into());
    }
}

fn status(record: &Record) -> &str {
    text(record, "status")
}

fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    let value = record.get(field);
    value
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_FILTER, filters};
    use crate::odata::query::encoded;

    #[test]
    fn a_page_of_numbers_is_asked_about_with_few_and_short_urls() {
        let term = |number| format!("documentNumber eq 'PS-INV{number:06}'");
        let filters = filters((0..1000).map(term));
        assert!(filters.len() <= 10, "{}", filters.len());
        let lengths = filters.iter().map(|filter| encoded(filter).len());
        assert!(lengths.max() <= Some(LONGEST_FILTER));
        let terms = filters.join(" or ");
        assert_eq!(terms.split(" or ").count(), 1000);
    }
}
