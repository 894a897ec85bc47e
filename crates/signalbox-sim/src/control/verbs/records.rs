//! The verbs on any table, with the JSON each takes.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{ControlError, read, show};
use crate::business_central::RecordChange;
use crate::state::Shared;
use crate::traffic::Traffic;

/// Every verb of this kind.
pub(super) const NAMES: &[&str] = &[
    "change-record",
    "create-record",
    "delete-record",
    "invoice-purchase-order",
    "post-sales-invoice",
    "release-sales-invoice",
    "seed-master-data",
    "seed-records",
    "set-status",
];

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Masters {
    company: Option<String>,
    purchasers: usize,
}

impl Default for Masters {
    fn default() -> Self {
        Self {
            company: None,
            purchasers: Traffic::default().purchasers,
        }
    }
}

/// Runs a verb; none if it is not of this kind.
pub(super) fn run(shared: &Shared, verb: &str, body: &[u8]) -> Option<Result<Value, ControlError>> {
    NAMES.contains(&verb).then(|| perform(shared, verb, body))
}

fn perform(shared: &Shared, verb: &str, body: &[u8]) -> Result<Value, ControlError> {
    if verb == "seed-master-data" {
        let Masters {
            company,
            purchasers,
        } = read(body)?;
        let seeded = shared.seed_master_data(company.as_deref(), purchasers)?;
        return Ok(json!({ "seeded": seeded }));
    }
    let mut body: Map<String, Value> = read(body)?;
    let (count, status) = (body.remove("count"), body.remove("status"));
    let records = body.remove("records");
    let change: RecordChange =
        serde_json::from_value(Value::Object(body)).map_err(ControlError::Body)?;
    let made = match verb {
        "create-record" => shared.create_record(&change)?,
        "change-record" => shared.change_record(&change)?,
        "delete-record" => shared.delete_record(&change)?,
        "release-sales-invoice" => shared.release_sales_invoice(&change)?,
        "post-sales-invoice" => shared.post_sales_invoice(&change)?,
        "invoice-purchase-order" => shared.invoice_purchase_order(&change)?,
        "set-status" => {
            let status = status.as_ref().and_then(Value::as_str).unwrap_or_default();
            shared.set_status(&change, status)?
        }
        _ => return seed(shared, &change, count, records),
    };
    Ok(show(&made))
}

/// `count` records alike, or one for each of `records`, whose fields come over the common ones.
fn seed(
    shared: &Shared,
    change: &RecordChange,
    count: Option<Value>,
    records: Option<Value>,
) -> Result<Value, ControlError> {
    let parse = |value| serde_json::from_value(value).map_err(ControlError::Body);
    let records: Vec<Map<String, Value>> = match records {
        Some(records) => serde_json::from_value(records).map_err(ControlError::Body)?,
        None => vec![Map::new(); count.map_or(Ok(1), parse)?],
    };
    let mut seeded = Vec::with_capacity(records.len());
    for fields in records {
        let mut change = change.clone();
        change.fields.extend(fields);
        seeded.extend(shared.seed_records(&change, 1)?);
    }
    Ok(json!({ "seeded": seeded.len(), "records": show(&seeded) }))
}
