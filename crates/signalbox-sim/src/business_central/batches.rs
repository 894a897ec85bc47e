//! How pending changes become the elements of a notification.
//!
//! Consecutive updates of one record merge; creations and deletions never do. Above the
//! threshold everything becomes one `collection`, which names no filter if anything was
//! deleted, since a filter would not find it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::erp::Subscription;

/// What happened to a record. Ordered as elements of one instant are.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeType {
    /// The record appeared.
    Created,
    /// The record changed.
    Updated,
    /// The record is gone.
    Deleted,
    /// Too much happened to name it singly.
    Collection,
}

/// A change as the record's trigger noted it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) record: Uuid,
    pub(crate) kind: ChangeType,
    pub(crate) at: Timestamp,
    /// The expectation that this change raised.
    pub(crate) expectation: Option<usize>,
}

/// An element of a notification: exactly these six members.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Element {
    subscription_id: String,
    client_state: String,
    expiration_date_time: String,
    resource: String,
    pub(crate) change_type: ChangeType,
    last_modified_date_time: String,
}

/// The elements of one subscription's pending changes.
pub(crate) fn elements(subscription: &Subscription, threshold: usize) -> Vec<Element> {
    let merged = merge(&subscription.pending);
    let element = |resource: String, kind: ChangeType, at: Timestamp| Element {
        subscription_id: subscription.id.clone(),
        client_state: subscription.client_state.clone(),
        expiration_date_time: subscription.expires.to_string(),
        resource,
        change_type: kind,
        last_modified_date_time: at.to_string(),
    };
    if merged.len() <= threshold {
        let single = |(kind, record, at): &(ChangeType, Uuid, Timestamp)| {
            element(format!("{}({record})", subscription.resource), *kind, *at)
        };
        return merged.iter().map(single).collect();
    }
    let instants = || subscription.pending.iter().map(|change| change.at);
    let (first, last) = (instants().min(), instants().max());
    let last = last.unwrap_or(Timestamp::UNIX_EPOCH);
    let deleted = merged.iter().any(|change| change.0 == ChangeType::Deleted);
    let resource = match first.filter(|_| !deleted) {
        None => subscription.resource.clone(),
        Some(first) => {
            let since = first
                .saturating_sub(Duration::from_millis(50))
                .unwrap_or(first);
            format!(
                "{}?$filter=lastModifiedDateTime%20gt%20{since}",
                subscription.resource
            )
        }
    };
    vec![element(resource, ChangeType::Collection, last)]
}

/// Merges consecutive updates of one record, ordered by time and then by type.
fn merge(pending: &[Change]) -> Vec<(ChangeType, Uuid, Timestamp)> {
    let mut merged: Vec<(ChangeType, Uuid, Timestamp)> = Vec::new();
    let mut latest: HashMap<Uuid, usize> = HashMap::new();
    for change in pending {
        if let Some(last) = latest.get(&change.record).map(|index| &mut merged[*index])
            && (last.0, change.kind) == (ChangeType::Updated, ChangeType::Updated)
        {
            last.2 = change.at;
            continue;
        }
        latest.insert(change.record, merged.len());
        merged.push((change.kind, change.record, change.at));
    }
    merged.sort_by_key(|(kind, _, at)| (*at, *kind));
    merged
}

#[cfg(test)]
mod tests;
