//! The verbs that let webhooks go wrong.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, read};
use crate::config::Share;
use crate::state::Shared;

#[derive(Deserialize)]
struct Count {
    count: usize,
}

#[derive(Deserialize)]
struct Answers {
    #[serde(default = "one")]
    count: u64,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
struct Following {
    /// Id or name; the first company if absent.
    company: Option<String>,
    set: String,
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
}

/// Runs a verb; the answer tells what it did.
pub(super) fn run(shared: &Shared, verb: &str, body: &[u8]) -> Result<Value, ControlError> {
    match verb {
        "occupy-subscriptions" => {
            let Count { count } = read(body)?;
            shared.occupy_subscriptions(count);
            Ok(json!({ "others": count }))
        }
        // A share of nothing ends it.
        "drop-notifications" => {
            shared.drop_notifications(Some(read::<Share>(body)?));
            Ok(json!({}))
        }
        "double-notifications" => {
            shared.double_notifications(Some(read::<Share>(body)?));
            Ok(json!({}))
        }
        "late-answers" => {
            let Answers { count } = read(body)?;
            shared.late_answers(count);
            Ok(json!({}))
        }
        "expire-subscription" => {
            let Following { company, set } = read(body)?;
            let expired = shared.expire_subscription(company.as_deref(), &set)?;
            Ok(json!({ "expired": expired }))
        }
        "offer-resource" | "withdraw-resource" => {
            let Resource { resource } = read(body)?;
            let changed = shared.offer_resource(&resource, verb == "offer-resource");
            Ok(json!({ "changed": changed }))
        }
        unknown => Err(ControlError::NoSuchVerb(unknown.to_owned())),
    }
}
