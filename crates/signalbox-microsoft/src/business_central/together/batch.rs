//! Records by a `$batch`: many reads by key in one request, each with a status of its own.
//!
//! A text in a filter may be read as a pattern by Business Central, a key in a path never is.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use signalbox_core::Record;
use url::Url;

use super::AskedFor;
use crate::{
    business_central::{
        BusinessCentral, CompanyKey,
        entity::{Api, EntitySet},
        gone,
        lists::Origin,
        mapping,
        record::RecordKey,
    },
    http::{
        Reply,
        answer::Answer,
        body::Body,
        classify,
        errand::Errand,
        error::Error,
        exchange::{Defect, Exchange},
    },
    odata::Intent,
    service::join,
};

#[derive(Deserialize)]
struct Responses {
    responses: Vec<Response>,
}

/// One answer of many (facts, Business Central §4).
#[derive(Deserialize)]
struct Response {
    id: Value,
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
}

impl BusinessCentral {
    pub(super) async fn by_batch(
        &self,
        set: &Arc<EntitySet>,
        company: CompanyKey<'_>,
        keys: &[&str],
        (intent, errand): (Intent, Errand<'_>),
    ) -> Result<Vec<AskedFor>, Error> {
        let root = self.service_root(set);
        let urls: Vec<Url> = keys
            .iter()
            .map(|key| self.record_url(set, RecordKey { company, key }))
            .collect();
        let requests: Vec<Value> = urls
            .iter()
            .enumerate()
            .map(|(number, url)| request(number, &root, url, intent))
            .collect();
        let batch = join(&root, ["$batch"]);
        let call = self.service.call(Method::POST, batch, errand);
        let call = intent.on(call).json(&json!({ "requests": requests }));
        let answer = self.service.send(call).await?;
        let whole = answer.exchange.clone();
        let mut answers = by_number(answer)?;
        let mut all = Vec::with_capacity(urls.len());
        for (number, url) in urls.iter().enumerate() {
            let asked = match answers.remove(&number.to_string()) {
                Some(response) => {
                    let reply = self.reply(response, url, &whole);
                    self.read_reply(reply, (set, url, intent), errand).await
                }
                None => Err(Error::garbled(whole.clone(), Defect::Missing("responses"))),
            };
            all.push(asked);
        }
        Ok(all)
    }

    /// What the URLs in a `$batch` are relative to.
    fn service_root(&self, set: &EntitySet) -> Url {
        match &set.api {
            Api::Standard => self.base.clone(),
            Api::Custom { route } => join(&self.root, ["api"].into_iter().chain(route.split('/'))),
            Api::WebService { .. } => join(&self.root, ["ODataV4"]),
        }
    }

    /// The answer as if the request had been sent alone.
    fn reply(&self, response: Response, url: &Url, whole: &Exchange) -> Reply {
        let body = match response.body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let headers = headers(&response.headers);
        let mut exchange = Exchange {
            method: Method::GET,
            path: url.path().to_owned(),
            ..whole.clone()
        };
        let status = StatusCode::from_u16(response.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let read = Body {
            bytes: body.clone(),
            cut: false,
        };
        exchange.answered(status, &headers, &read);
        Reply {
            exchange,
            headers,
            body,
            at: self.service.sender.now(),
        }
    }

    async fn read_reply(
        &self,
        reply: Reply,
        (set, url, intent): (&EntitySet, &Url, Intent),
        errand: Errand<'_>,
    ) -> AskedFor {
        let answer = match classify::answer(reply) {
            Err(error) if gone::is_gone(&error, set.segment()) => return Ok(None),
            answer => answer?,
        };
        let exchange = answer.exchange.clone();
        let mut record: Record = answer.json()?;
        let origin = Origin {
            service: &self.service,
            url,
            exchange: &exchange,
            intent,
        };
        origin.complete_lists(&mut record, set, errand).await?;
        Ok(Some(mapping::map(record, set)))
    }
}

fn request(number: usize, root: &Url, url: &Url, intent: Intent) -> Value {
    let (root, url) = (root.as_str().trim_end_matches('/'), url.as_str());
    let relative = url
        .strip_prefix(root)
        .map_or(url, |rest| rest.trim_start_matches('/'));
    let mut headers = json!({ "Accept": "application/json", "Accept-Language": "en-US" });
    if intent == Intent::ReadWrite {
        headers["Data-Access-Intent"] = "ReadWrite".into();
    }
    json!({ "id": number.to_string(), "method": "GET", "url": relative, "headers": headers })
}

fn by_number(answer: Answer) -> Result<HashMap<String, Response>, Error> {
    let answered: Responses = answer.json()?;
    let numbered = answered.responses.into_iter().map(|response| {
        // Samples show both texts and numbers.
        let number = match &response.id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (number, response)
    });
    Ok(numbered.collect())
}

fn headers(given: &Map<String, Value>) -> HeaderMap {
    let read = given.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let name: HeaderName = name.parse().ok()?;
        Some((name, HeaderValue::from_str(&text).ok()?))
    });
    read.collect()
}
