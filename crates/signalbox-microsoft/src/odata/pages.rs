//! A listing, page by page, along the links that the service gives.
//!
//! A link is opaque, but it must lead to where the listing came from: our token goes with it.

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use signalbox_core::Record;
use url::Url;

use super::Intent;
use crate::{
    http::{
        answer::Answer,
        errand::Errand,
        error::Error,
        exchange::{Defect, Exchange},
    },
    service::Service,
};

/// A listing that is being read.
#[derive(Debug)]
pub(crate) struct Pages {
    service: Service,
    next: Option<Url>,
    /// Said on every page, because a link does not carry it.
    page_size: Option<u32>,
    intent: Intent,
}

/// A page that was read.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) records: Vec<Record>,
    pub(crate) url: Url,
    pub(crate) exchange: Exchange,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Record>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl Pages {
    /// The listing that begins at `first`. `page_size` is in records; without it the service decides.
    pub(crate) fn new(
        service: Service,
        first: Url,
        page_size: Option<u32>,
        intent: Intent,
    ) -> Self {
        Self {
            service,
            next: Some(first),
            page_size,
            intent,
        }
    }

    /// The same listing, answered as `intent` says from the next page on.
    pub(crate) fn with_intent(mut self, intent: Intent) -> Self {
        self.intent = intent;
        self
    }

    /// The records in a page from now on, if we and not the service decide.
    pub(crate) fn page_size(&self) -> Option<u32> {
        self.page_size
    }

    /// Halves the pages to come, the one that failed included; false if they cannot be made smaller.
    pub(crate) fn halve(&mut self) -> bool {
        let half = self.page_size.map(|size| size / 2).filter(|half| *half > 0);
        self.page_size = half.or(self.page_size);
        half.is_some()
    }

    /// The next page, or `None` after the last. A page that failed can be asked for again.
    pub(crate) async fn next(&mut self, errand: Errand<'_>) -> Result<Option<Vec<Record>>, Error> {
        let page = self.next_page(errand).await?;
        Ok(page.map(|page| page.records))
    }

    /// The next page with what is needed to follow the links in its records.
    pub(crate) async fn next_page(&mut self, errand: Errand<'_>) -> Result<Option<Fetched>, Error> {
        let Some(url) = self.next.clone() else {
            return Ok(None);
        };
        let answer = self.ask(url.clone(), errand).await?;
        let exchange = answer.exchange.clone();
        let page: Page = answer.json()?;
        self.next = match page.next {
            Some(link) => {
                let next = follow(&url, &link).map_err(|defect| stray(exchange.clone(), defect));
                Some(next?)
            }
            None => None,
        };
        Ok(Some(Fetched {
            records: page.value,
            url,
            exchange,
        }))
    }

    /// All records of all pages that are left. Only for listings that are known to be short.
    pub(crate) async fn all(mut self, errand: Errand<'_>) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        while let Some(page) = self.next(errand).await? {
            records.extend(page);
        }
        Ok(records)
    }

    async fn ask(&self, url: Url, errand: Errand<'_>) -> Result<Answer, Error> {
        let mut call = self.intent.on(self.service.call(Method::GET, url, errand));
        if let Some(size) = self.page_size {
            let prefer = HeaderValue::from_str(&format!("odata.maxpagesize={size}"))
                .expect("digits are visible ASCII");
            call = call.header(HeaderName::from_static("prefer"), prefer);
        }
        self.service.send(call).await
    }
}

fn stray(exchange: Exchange, defect: Defect) -> Error {
    Error::garbled(exchange, defect)
}

/// Where `link` leads, if that is another page on the same origin.
pub(crate) fn follow(from: &Url, link: &str) -> Result<Url, Defect> {
    let next = from
        .join(link)
        .map_err(|_| Defect::Missing("@odata.nextLink"))?;
    if next.origin() != from.origin() {
        return Err(Defect::ForeignLink(next.origin().ascii_serialization()));
    }
    // A link to the same page would be followed for ever.
    if next == *from {
        return Err(Defect::Missing("@odata.nextLink"));
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::follow;
    use crate::http::exchange::Defect;

    fn from() -> Url {
        "https://api.example.com/v2.0/companies(1)/vendors?$select=id"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_link_on_the_same_origin_is_followed_as_it_is() {
        let link = "https://api.example.com/v2.0/t/companies(1)/vendors?aid=FIN&$skiptoken=a%2Bb";
        assert_eq!(follow(&from(), link).unwrap().as_str(), link);
    }

    #[test]
    fn a_link_to_another_origin_never_gets_our_token() {
        for link in [
            "https://evil.example.com/v2.0/companies(1)/vendors?x=1",
            "http://api.example.com/v2.0/vendors?x=1",
            "https://api.example.com:8443/v2.0/vendors?x=1",
            "//evil.example.com/",
        ] {
            let refused = follow(&from(), link);
            assert!(matches!(refused, Err(Defect::ForeignLink(_))), "{link}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_new_is_refused() {
        assert!(follow(&from(), from().as_str()).is_err());
        assert!(follow(&from(), "https://[").is_err());
    }
}
