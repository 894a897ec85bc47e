//! The verbs by name, with the JSON each takes.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ControlError, read, show};
use crate::business_central::{InvoiceStatus, NewInvoice, Which};
use crate::state::Shared;

mod environments;
mod records;
mod webhooks;

/// Every verb by name, in no order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().chain(records::NAMES).copied()
}

/// The verbs on purchase invoices and on what surrounds the documents.
const NAMES: &[&str] = &[
    "add-company",
    "cancel-purchase-invoice",
    "copy-environment",
    "create-channel",
    "create-purchase-invoice",
    "delete-purchase-invoice",
    "double-notifications",
    "drop-notifications",
    "expect",
    "expire-subscription",
    "expire-skip-tokens",
    "expire-subscriptions",
    "install-bot",
    "late-answers",
    "maintenance",
    "occupy-subscriptions",
    "offer-resource",
    "pay-purchase-invoice",
    "post-purchase-invoice",
    "rebuild-purchase-invoices",
    "recreate-company",
    "remove-bot",
    "rename-company",
    "rename-environment",
    "reopen-purchase-invoice",
    "restart",
    "revoke-tokens",
    "rotate-secret",
    "seed-purchase-invoices",
    "start-traffic",
    "stop-traffic",
    "touch-purchase-invoice",
    "withdraw-resource",
];

/// The part of a body that may name an invoice.
#[derive(Deserialize)]
struct Named {
    id: Option<Uuid>,
    number: Option<String>,
}

#[derive(Deserialize)]
struct ChannelWish {
    team: String,
    name: String,
}

#[derive(Deserialize)]
struct TeamName {
    team: String,
}

#[derive(Deserialize)]
struct Secret {
    secret: String,
}

#[derive(Deserialize)]
struct Expect {
    on: bool,
}

#[derive(Deserialize)]
struct Times {
    #[serde(default = "one")]
    times: usize,
}

#[derive(Deserialize)]
struct Seed {
    count: usize,
    #[serde(default = "one")]
    purchasers: usize,
    company: Option<String>,
}

fn one() -> usize {
    1
}

/// Runs a verb; the answer tells what it made.
pub(super) fn run(shared: &Arc<Shared>, verb: &str, body: &[u8]) -> Result<Value, ControlError> {
    use InvoiceStatus::{Canceled, Draft, Open, Paid};
    let moved = |from, to| -> Result<Value, ControlError> {
        Ok(show(
            &shared.move_invoice(&read::<Which>(body)?, (from, to))?,
        ))
    };
    match verb {
        "create-purchase-invoice" => Ok(show(&shared.create_invoice(&read(body)?, Draft)?)),
        "post-purchase-invoice" => post(shared, body),
        "pay-purchase-invoice" => moved(Open, Paid),
        "reopen-purchase-invoice" => moved(Paid, Open),
        "cancel-purchase-invoice" => moved(Open, Canceled),
        "touch-purchase-invoice" => Ok(show(&shared.touch_invoice(&read(body)?)?)),
        "delete-purchase-invoice" => {
            shared.delete_invoice(&read(body)?)?;
            Ok(json!({}))
        }
        "rebuild-purchase-invoices" => Ok(json!({ "touched": shared.rebuild_invoices() })),
        "seed-purchase-invoices" => {
            let Seed {
                count,
                purchasers,
                company,
            } = read(body)?;
            let new = NewInvoice {
                company,
                ..NewInvoice::default()
            };
            Ok(json!({ "seeded": shared.seed_invoices(&new, count, purchasers)? }))
        }
        "expect" => {
            let Expect { on } = read(body)?;
            shared.world().oracle.set_on(on);
            Ok(json!({ "on": on }))
        }
        other => match records::run(shared, other, body) {
            Some(made) => made,
            None => tenant(shared, other, body),
        },
    }
}

/// The verbs on what surrounds the documents.
fn tenant(shared: &Arc<Shared>, verb: &str, body: &[u8]) -> Result<Value, ControlError> {
    match verb {
        "create-channel" => {
            let ChannelWish { team, name } = read(body)?;
            Ok(show(&shared.world().teams.create_channel(&team, &name)))
        }
        "install-bot" | "remove-bot" => {
            let TeamName { team } = read(body)?;
            let installed = verb == "install-bot";
            let teams = shared.world().teams.set_bot_installed(&team, installed);
            Ok(json!({ "teams": teams }))
        }
        "expire-skip-tokens" => {
            let Times { times } = read(body)?;
            shared.world().erp.stale_skip_tokens = times;
            Ok(json!({ "times": times }))
        }
        "expire-subscriptions" => Ok(json!({ "expired": shared.expire_subscriptions() })),
        "revoke-tokens" => {
            shared.world().entra.revoke();
            Ok(json!({}))
        }
        "rotate-secret" => {
            let Secret { secret } = read(body)?;
            shared.world().entra.rotate_secret(&secret);
            Ok(json!({}))
        }
        "start-traffic" => {
            shared.play(Some(read(body)?));
            Ok(json!({}))
        }
        "stop-traffic" => Ok(json!({ "steps": shared.play(None) })),
        other => environments::run(shared, other, body),
    }
}

/// Posts the draft that is named; else makes an invoice that was never a draft.
fn post(shared: &Shared, body: &[u8]) -> Result<Value, ControlError> {
    let Named { id, number } = read(body)?;
    let which = Which { id, number };
    let posted = if which.id.is_some() || shared.knows_invoice(&which) {
        shared.post_invoice(&which)?
    } else {
        shared.create_invoice(&read(body)?, InvoiceStatus::Open)?
    };
    Ok(show(&posted))
}
