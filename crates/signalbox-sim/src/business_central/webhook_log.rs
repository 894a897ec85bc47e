//! `webhookLogs`: what the sending jobs did to subscriptions, for whoever asks why one died.
//!
//! Source: page `API Webhook Logs` of the base application; shipped, though not documented.

use std::collections::VecDeque;

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Inquiry;
use super::erp::Subscription;
use crate::clock;

/// Rows kept.
const KEPT: usize = 10_000;

/// What happened, in the words of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened {
    /// A notification was not acknowledged.
    Failed,
    /// It will be tried again, and the attempt counts.
    Counted,
    /// An answer ended the subscription.
    Invalid,
    /// One failure too many ended it.
    TooManyFailures,
    /// Its time was over.
    Expired,
    /// What it was for is no longer offered.
    Obsolete,
}

impl Happened {
    /// Status and message of the row.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Failed => ("Error", "Notification failed."),
            Self::Counted => ("Warning", "Increase attempt number."),
            Self::Invalid => ("Error", "Delete invalid subscription."),
            Self::TooManyFailures => ("Error", "Delete subscription with too many failures."),
            Self::Expired => ("Warning", "Delete expired subscription."),
            Self::Obsolete => ("Warning", "Delete obsolete subscription."),
        }
    }
}

#[derive(Debug)]
struct Row {
    id: Uuid,
    company: Uuid,
    time: Timestamp,
    happened: Happened,
    details: String,
}

/// The log of an environment, oldest first.
#[derive(Debug, Default)]
pub(crate) struct WebhookLog(VecDeque<Row>);

impl WebhookLog {
    /// Notes what happened to a subscription, and what its receiver had answered.
    pub(crate) fn note(&mut self, happened: Happened, subscription: &Subscription, reply: Reply) {
        let Subscription {
            id, resource, url, ..
        } = subscription;
        let answer = match reply {
            Reply::Unasked => String::new(),
            Reply::Missing => " Response code: none.".into(),
            Reply::Status(code) => format!(" Response code: {code}."),
        };
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Row {
            id: Uuid::new_v4(),
            company: subscription.company,
            time: clock::now(),
            happened,
            details: format!(
                "Subscription ID: {id}. Resource URL: {resource}. Notification URL: {url}.{answer}"
            ),
        });
    }
}

/// The receiver's answer, as far as a row has one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// The row is not about an answer.
    Unasked,
    /// None came.
    Missing,
    /// It had this status.
    Status(u16),
}

impl From<Option<u16>> for Reply {
    fn from(status: Option<u16>) -> Self {
        status.map_or(Self::Missing, Self::Status)
    }
}

/// `GET companies({id})/webhookLogs`, newest first.
pub(super) fn list(inquiry: &Inquiry, company: Uuid) -> Response {
    let most = inquiry
        .option("$top")
        .and_then(|top| top.parse().ok())
        .unwrap_or(usize::MAX);
    let world = inquiry.shared.world();
    let rows = world.erp.webhooks.log.0.iter().rev();
    let value: Vec<Value> = rows
        .filter(|row| row.company == company)
        .take(most)
        .map(|row| {
            let (status, message) = row.happened.words();
            json!({ "id": row.id, "time": row.time.to_string(), "status": status,
                "message": message, "details": row.details })
        })
        .collect();
    let context = format!(
        "{}/$metadata#companies({company})/webhookLogs",
        inquiry.root()
    );
    Json(json!({ "@odata.context": context, "value": value })).into_response()
}
