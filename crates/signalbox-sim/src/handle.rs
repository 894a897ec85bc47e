//! The simulator in process: starting it, driving it and waiting on its record.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::business_central::{InvoiceStatus, NewInvoice, Posted, VerbError, Which};
use crate::config::{ChannelSpec, SimConfig};
use crate::faults::{ActiveFault, Fault};
use crate::recorder::{RecordedRequest, SentNotification};
use crate::state::Shared;
use crate::teams::Effect;
use crate::traffic::{Traffic, TrafficHandle};
use crate::verdict::Verdict;
use crate::{business_central, server};

mod environments;
mod records;
mod webhooks;

/// Why the simulator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; choose another `bind`")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The listener has no address.
    #[error("the listener's address is unknown")]
    Address(#[source] std::io::Error),
    /// The client that sends notifications cannot be built.
    #[error("the client for notifications cannot be built")]
    Client(#[source] reqwest::Error),
}

/// The simulated cloud.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts the simulator in the background of the current runtime.
    ///
    /// It stops when the last clone of the handle is dropped, or by [`SimHandle::stop`].
    pub async fn start(config: SimConfig) -> Result<SimHandle, SimError> {
        let address = config.bind;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| SimError::Bind { address, source })?;
        Self::start_on(config, listener)
    }

    /// Starts the simulator on a listener that exists.
    pub fn start_on(config: SimConfig, listener: TcpListener) -> Result<SimHandle, SimError> {
        let address = listener.local_addr().map_err(SimError::Address)?;
        let shared = Shared::new(config, format!("http://{address}")).map_err(SimError::Client)?;
        shared
            .tasks
            .spawn(server::accept(Arc::clone(&shared), listener));
        shared
            .tasks
            .spawn(business_central::notifications::run(Arc::clone(&shared)));
        let guard = Arc::new(shared.stop.clone().drop_guard());
        Ok(SimHandle { shared, guard })
    }
}

/// Serves until `shutdown` completes, then ends what is under way.
pub async fn serve(
    config: SimConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), SimError> {
    let handle = Simulator::start_on(config, listener)?;
    shutdown.await;
    handle.stop().await;
    Ok(())
}

/// A running simulator. Clones are cheap and name the same one.
#[derive(Clone, Debug)]
pub struct SimHandle {
    pub(crate) shared: Arc<Shared>,
    /// Stops the background tasks with the last handle.
    guard: Arc<DropGuard>,
}

/// Addresses and the end.
impl SimHandle {
    /// `http://{address}`, without trailing slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Base URL of the Entra authority.
    pub fn entra_url(&self) -> String {
        format!("{}/entra", self.base_url())
    }

    /// Base URL of Business Central, before `/v2.0/{tenant}/{environment}`.
    pub fn business_central_url(&self) -> String {
        format!("{}/bc", self.base_url())
    }

    /// Base URL of Graph, with its version.
    pub fn graph_url(&self) -> String {
        format!("{}/graph/v1.0", self.base_url())
    }

    /// Service URL of the Bot Connector, before `/v3`.
    pub fn bot_url(&self) -> String {
        format!("{}/bot", self.base_url())
    }

    /// The configuration it was started with.
    pub fn config(&self) -> &SimConfig {
        &self.shared.config
    }

    /// Ends when the simulator stops.
    pub fn stopped(&self) -> CancellationToken {
        self.shared.stop.clone()
    }

    /// Stops the listener and the background tasks and waits for them.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Back to the configured beginning: no documents, subscriptions, tokens, faults or records.
    pub fn reset(&self) {
        self.shared.reset();
    }
}

/// Verbs: what people do in Business Central.
impl SimHandle {
    /// Makes a draft.
    pub fn create_purchase_invoice(&self, new: &NewInvoice) -> Result<Posted, VerbError> {
        self.shared.create_invoice(new, InvoiceStatus::Draft)
    }

    /// Makes a posted invoice, as if from a purchase order.
    pub fn post_new_purchase_invoice(&self, new: &NewInvoice) -> Result<Posted, VerbError> {
        self.shared.create_invoice(new, InvoiceStatus::Open)
    }

    /// Posts a draft: the id stays, the number changes.
    pub fn post_purchase_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.shared.post_invoice(which)
    }

    /// Pays a posted invoice in full.
    pub fn pay_purchase_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.shared
            .move_invoice(which, (InvoiceStatus::Open, InvoiceStatus::Paid))
    }

    /// Reverses a payment: `Paid` back to `Open`.
    pub fn reopen_purchase_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.shared
            .move_invoice(which, (InvoiceStatus::Paid, InvoiceStatus::Open))
    }

    /// Cancels a posted invoice.
    pub fn cancel_purchase_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.shared
            .move_invoice(which, (InvoiceStatus::Open, InvoiceStatus::Canceled))
    }

    /// Changes a field that is not on the API: `updated` without news.
    pub fn touch_purchase_invoice(&self, which: &Which) -> Result<Posted, VerbError> {
        self.shared.touch_invoice(which)
    }

    /// Deletes an invoice.
    pub fn delete_purchase_invoice(&self, which: &Which) -> Result<(), VerbError> {
        self.shared.delete_invoice(which)
    }

    /// Touches every invoice, as a rebuild of API data does; says how many.
    pub fn rebuild_purchase_invoices(&self) -> usize {
        self.shared.rebuild_invoices()
    }

    /// Makes `count` posted invoices without notifications or expectations, over purchasers
    /// `P01` to `P{purchasers}`.
    pub fn seed_purchase_invoices(
        &self,
        new: &NewInvoice,
        count: usize,
        purchasers: usize,
    ) -> Result<usize, VerbError> {
        self.shared.seed_invoices(new, count, purchasers)
    }

    /// Creates a channel, and its team if there is none of that name.
    pub fn create_channel(&self, team: &str, channel: &str) -> ChannelSpec {
        self.shared.world().teams.create_channel(team, channel)
    }

    /// Installs the bot in the teams of this name, or removes it; says how many there are.
    pub fn set_bot_installed(&self, team: &str, installed: bool) -> usize {
        self.shared.world().teams.set_bot_installed(team, installed)
    }

    /// Lets every subscription expire now; as in reality nobody is told. Says how many.
    pub fn expire_subscriptions(&self) -> usize {
        self.shared.expire_subscriptions()
    }

    /// Replaces the client secret; tokens already issued go on.
    pub fn rotate_secret(&self, secret: &str) {
        self.shared.world().entra.rotate_secret(secret);
    }

    /// Makes every token worthless.
    pub fn revoke_tokens(&self) {
        self.shared.world().entra.revoke();
    }

    /// Turns expectations on or off for changes from now on.
    pub fn set_expect(&self, on: bool) {
        self.shared.world().oracle.set_on(on);
    }

    /// Plays business in the background until it is stopped.
    pub fn start_traffic(&self, traffic: Traffic) -> TrafficHandle {
        crate::traffic::start(Arc::clone(&self.shared), traffic)
    }

    /// Plays business instead of what was played before, until the verb `stop-traffic`.
    pub fn play(&self, traffic: Traffic) {
        self.shared.play(Some(traffic));
    }

    /// Adds a scripted fault; its number is returned.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.shared.faults.add(fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// The faults in force, with their counts.
    pub fn faults(&self) -> Vec<ActiveFault> {
        self.shared.faults.list()
    }
}

/// The record, and waiting on it.
impl SimHandle {
    /// Every request kept, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.recorder.requests()
    }

    /// Requests received in all.
    pub fn request_count(&self) -> u64 {
        self.shared.recorder.request_count()
    }

    /// The most requests to Business Central that one application had open at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared.app_slots.most()
    }

    /// Every notification sent, oldest first.
    pub fn notifications(&self) -> Vec<SentNotification> {
        self.shared.recorder.notifications()
    }

    /// Every message, in order of arrival.
    pub fn effects(&self) -> Vec<Effect> {
        let messages = self.shared.world().teams.messages();
        messages.into_iter().map(Effect::from).collect()
    }

    /// Messages in all.
    pub fn effect_count(&self) -> u64 {
        self.shared.world().teams.sent()
    }

    /// The live and expired subscriptions, as the API shows them.
    pub fn subscriptions(&self) -> Vec<serde_json::Value> {
        let world = self.shared.world();
        world
            .erp
            .subscriptions
            .values()
            .map(|subscription| subscription.json(None))
            .collect()
    }

    /// What ought to have been delivered, and what was.
    pub fn verdict(&self) -> Verdict {
        self.shared.world().verdict()
    }

    /// Expectations that can be met and have not been; cheaper than the verdict.
    pub fn outstanding(&self) -> usize {
        self.shared.world().oracle.outstanding()
    }

    /// Waits until `holds`, looked at after every change of the record; false after `timeout`.
    pub async fn wait_until(&self, holds: impl Fn(&Self) -> bool, timeout: Duration) -> bool {
        let mut changes = self.shared.follow();
        let held = async {
            while !holds(self) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(timeout, held).await.unwrap_or(false)
    }

    /// Waits for so many messages in all.
    pub async fn wait_for_effects(&self, count: u64, timeout: Duration) -> bool {
        self.wait_until(|sim| sim.effect_count() >= count, timeout)
            .await
    }

    /// Waits until somebody has a subscription and has listed the invoices that exist: what happens from then on
    /// can be announced.
    pub async fn wait_until_followed(&self, timeout: Duration) -> bool {
        let listed = |sim: &Self| sim.requests().iter().any(RecordedRequest::listed_invoices);
        let followed = |sim: &Self| !sim.subscriptions().is_empty() && listed(sim);
        self.wait_until(followed, timeout).await
    }

    /// Waits until nothing is outstanding.
    pub async fn wait_until_delivered(&self, timeout: Duration) -> bool {
        self.wait_until(|sim| sim.outstanding() == 0, timeout).await
    }
}
