//! Reads one record with all of its lines.

use http::Method;
use serde_json::Value;
use signalbox_core::Record;
use url::Url;
use uuid::Uuid;

use super::{
    BusinessCentral,
    entity::{EntitySet, Lines},
    gone, mapping,
};
use crate::{
    http::{answer::Answer, errand::Errand, error::Error},
    odata::{
        Intent,
        pages::{Pages, follow},
        query::{literal, with_query},
    },
};

/// Which record of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey<'a> {
    /// The company's id.
    pub company: Uuid,
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
            Err(error) if gone::is_gone(&error, set.name) => return Ok(None),
            answer => answer?,
        };
        let record = match set.lines {
            Some(lines) => {
                self.with_all_lines(answer, lines, (&url, intent), errand)
                    .await?
            }
            None => answer.json()?,
        };
        Ok(Some(mapping::map(record, set)))
    }

    fn record_url(&self, set: &EntitySet, key: RecordKey<'_>) -> Url {
        let segment = format!("{}({})", set.name, key_literal(key.key));
        let (select, expand) = (set.selected(), set.expanded());
        let options = [("$select", select.as_str()), ("$expand", &expand)];
        with_query(self.company_url(key.company, &segment), &options)
    }

    /// An expanded list may itself come in pages, and a total over the first of them would be wrong.
    async fn with_all_lines(
        &self,
        answer: Answer,
        lines: Lines,
        (from, intent): (&Url, Intent),
        errand: Errand<'_>,
    ) -> Result<Record, Error> {
        let exchange = answer.exchange.clone();
        let mut record: Record = answer.json()?;
        let link = record.remove(&format!("{}@odata.nextLink", lines.navigation));
        let Some(Value::String(link)) = link else {
            return Ok(record);
        };
        let next = follow(from, &link).map_err(|defect| Error::garbled(exchange, defect))?;
        let pages = Pages::new(self.service.clone(), next, None, intent);
        let more = pages.all(errand).await?;
        if let Some(Value::Array(have)) = record.get_mut(lines.navigation) {
            have.extend(more.into_iter().map(Value::Object));
        }
        Ok(record)
    }
}

/// Ids are bare in a URL, every other key is quoted.
fn key_literal(key: &str) -> String {
    key.parse::<Uuid>()
        .map_or_else(|_| literal(key), |id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::key_literal;

    #[test]
    fn ids_are_bare_and_other_keys_are_quoted() {
        let id = "5D115C9C-44E3-EA11-BB43-000D3A2FECA1";
        assert_eq!(key_literal(id), id.to_lowercase());
        assert_eq!(key_literal("O'Hara"), "'O''Hara'");
    }
}
