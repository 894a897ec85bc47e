//! The Microsoft cloud as a stateful fake behind real HTTP, with scripted faults.
//!
//! One listener serves Entra, Business Central, the Bot Connector and Graph under path
//! prefixes, with their inconvenient behaviours: notifications that come late, twice or
//! as a `collection`, subscriptions that die of a 404, replicas that lag, posts whose
//! answer is lost, limits per conversation. It declares its own wire types, so that a
//! client under test and this fake cannot share a mistake. It records what it is asked
//! and knows what ought to have been delivered, so it can count lost and duplicate cards.
//!
//! # In process
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use signalbox_sim::{Fault, FaultKind, NewInvoice, RetryAfter, SimConfig, Simulator};
//!
//! let sim = Simulator::start(SimConfig::at_scale(0.01)).await?;
//! sim.add_fault(Fault::on("bot.post", FaultKind::Throttle(RetryAfter::Secs(2))).times(2));
//! let invoice = sim.post_new_purchase_invoice(&NewInvoice::default())?;
//! println!("{} at {}", invoice.number, sim.business_central_url());
//! # Ok(())
//! # }
//! ```
//!
//! # With curl
//!
//! A token is bought with the fixed client of the default configuration:
//!
//! ```text
//! SIM=http://127.0.0.1:8090
//! TENANT=11111111-2222-3333-4444-555555555555
//! curl $SIM/entra/$TENANT/oauth2/v2.0/token -d grant_type=client_credentials \
//!   -d client_id=5f0c2d0e-1111-2222-3333-444455556666 -d client_secret=simulated-client-secret \
//!   -d scope=https://api.businesscentral.dynamics.com/.default
//! curl -H "Authorization: Bearer $TOKEN" $SIM/bc/v2.0/$TENANT/Production/api/v2.0/companies
//! ```
//!
//! The control API lets things happen, go wrong and be judged:
//!
//! ```text
//! curl $SIM/_sim/v1/verbs/post-purchase-invoice -d '{"amount":1250.5,"purchaser":"P07"}'
//! curl $SIM/_sim/v1/verbs/pay-purchase-invoice -d '{"number":"PPI-108001"}'
//! curl $SIM/_sim/v1/verbs/create-record -d '{"set":"vendors","fields":{"displayName":"Quai 4"}}'
//! curl $SIM/_sim/v1/verbs/change-record -d '{"set":"vendors","number":"V00010","fields":{"blocked":"All"}}'
//! curl $SIM/_sim/v1/verbs/set-status -d '{"set":"purchaseOrders","number":"PO-106001","status":"In Review"}'
//! curl $SIM/_sim/v1/verbs/seed-purchase-invoices -d '{"count":20000,"purchasers":40}'
//! curl $SIM/_sim/v1/faults -d '{"target":"bot.post","kind":"throttle","retry_after":2,"times":2}'
//! curl $SIM/_sim/v1/faults -d '{"target":"bot.post","kind":"late_commit","ms":800,"every":10}'
//! curl -X DELETE $SIM/_sim/v1/faults
//! curl $SIM/_sim/v1/verbs/copy-environment -d '{"from":"Production","to":"Test"}'
//! curl $SIM/_sim/v1/verbs/post-purchase-invoice?environment=Test
//! curl $SIM/_sim/v1/verbs/drop-notifications -d '{"percent":10,"seed":1}'
//! curl $SIM/_sim/v1/verbs/restart -d '{"ms":3000}'
//! curl $SIM/_sim/v1/verbs/start-traffic -d '{"rate_per_sec":50,"purchasers":40}'
//! curl $SIM/_sim/v1/verdict   # also: requests, notifications, effects, subscriptions, webhooks, faults, sightings
//! curl -X POST $SIM/_sim/v1/reset
//! ```
//!
//! # Tables
//!
//! A company has the entity sets of API v2.0 that are listed, with their fields, in
//! `business_central/tables/tables.txt`, and two of a customer's own: the API page
//! `contoso/finance/v1.0/vendorLedgerEntries` and the `ODataV4` web service
//! `Chart_of_Accounts`. The verbs `create-record`, `change-record`, `delete-record`,
//! `seed-records` and `set-status` work on any set: [`RecordChange`] says what they take.
//! `release-sales-invoice`, `post-sales-invoice` and `invoice-purchase-order` play the
//! steps that change more than a field. With `"silent": true` a change is a delegated
//! admin's: nobody is told until the next change of the set that is not silent.
//!
//! The oracle behind the verdict knows purchase invoices only. Once a generic verb was used
//! on another set, a card whose title names no purchase invoice is counted as one of
//! `other_cards` and not judged; a test that reads other sets judges by what the verbs
//! answered and by the sightings, which tell what readers were shown.
//!
//! # Faults
//!
//! Fault targets are `entra.token`, `bc.read`, `bc.batch`, `bc.write`, `bc.subscriptions`, `bot.post`,
//! `graph.teams`, `graph.channels`, `graph.messages` and `graph.post`; a bare service name
//! takes all of its operations, `*` takes everything. Kinds are `throttle` (`retry_after`,
//! `form`: `secs`, `http-date`, `none`), `status` (`code`), `slow` (`ms`),
//! `commit_then_timeout`, `late_commit` (`ms`), `reset`, `reset_after_commit`,
//! `wrong_audience`, `garbage`, `try_again_later` and `stale_read` (`ms`). `times`, `every` or
//! `probability` with `seed` say when; `burst` befalls so many in a row each time; `after` lets
//! some pass first; `only` confines a fault to requests whose lane or path contains a text.

mod bot;
mod business_central;
mod card;
mod clock;
mod config;
mod control;
mod door;
mod entra;
mod errors;
mod faults;
mod graph;
mod handle;
mod intake;
mod lanes;
mod recorder;
mod server;
mod state;
mod target;
mod teams;
mod traffic;
mod verdict;

pub use business_central::{
    EnvironmentError, InvoiceStatus, Made, NewInvoice, Posted, RecordChange, Sighting, VerbError,
    WebhookCounts, Which,
};
pub use config::{
    ChannelSpec, CompanySpec, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_COMPANY_ID,
    DEFAULT_COMPANY_NAME, DEFAULT_ENVIRONMENT, DEFAULT_TENANT, EnvironmentKind, EnvironmentSpec,
    MaintenanceAnswer, ResourceForm, Share, SimConfig, TeamSpec,
};
pub use faults::{ActiveFault, Fault, FaultKind, RetryAfter, Schedule};
pub use handle::{SimError, SimHandle, Simulator, serve};
pub use recorder::{RecordedRequest, SentNotification};
pub use target::Target;
pub use teams::Effect;
pub use traffic::{Traffic, TrafficHandle};
pub use verdict::{Finding, Findings, Latency, Verdict};
