//! Business as it goes: invoices posted, paid, drafted and touched at a steady rate.
//!
//! Purchaser codes `P01`, `P02`, … are given out at random, so that routes which filter
//! on the code spread the cards over channels.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::business_central::{InvoiceStatus, NewInvoice, Which};
use crate::state::Shared;

/// What business to play. Shares are of all steps; the rest are posted invoices.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Steps per second.
    pub rate_per_sec: f64,
    /// Share of payments of earlier invoices.
    pub pay_share: f64,
    /// Share of drafts, each posted some steps later.
    pub draft_share: f64,
    /// Share of touches.
    pub touch_share: f64,
    /// Number of purchaser codes.
    pub purchasers: usize,
    /// Company id or name; the first company if absent.
    pub company: Option<String>,
    /// Seed: the same seed plays the same steps.
    pub seed: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            rate_per_sec: 20.0,
            pay_share: 0.3,
            draft_share: 0.1,
            touch_share: 0.1,
            purchasers: 40,
            company: None,
            seed: 1,
        }
    }
}

/// Running traffic; it stops when this is dropped.
#[derive(Debug)]
pub struct TrafficHandle {
    stop: CancellationToken,
    steps: Arc<AtomicU64>,
    _guard: DropGuard,
}

impl TrafficHandle {
    /// Stops; the step under way is finished.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Steps played so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
}

/// Plays `traffic` until it is stopped or the simulator is.
pub(crate) fn start(shared: Arc<Shared>, traffic: Traffic) -> TrafficHandle {
    let stop = shared.stop.child_token();
    let steps = Arc::new(AtomicU64::new(0));
    let handle = TrafficHandle {
        _guard: stop.clone().drop_guard(),
        stop: stop.clone(),
        steps: Arc::clone(&steps),
    };
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let period = Duration::from_secs_f64(1.0 / traffic.rate_per_sec.clamp(0.001, 100_000.0));
        // The default behaviour of an interval catches up, so the rate holds over time.
        let mut ticks = tokio::time::interval(period);
        let mut business = Business::new(traffic);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            business.step(&shared);
            steps.fetch_add(1, Ordering::Relaxed);
        }
    });
    handle
}

/// Invoices remembered for later steps.
const REMEMBERED: usize = 1_000;

struct Business {
    traffic: Traffic,
    rng: StdRng,
    open: VecDeque<Uuid>,
    drafts: VecDeque<Uuid>,
}

impl Business {
    fn new(traffic: Traffic) -> Self {
        let rng = StdRng::seed_from_u64(traffic.seed);
        Self {
            traffic,
            rng,
            open: VecDeque::new(),
            drafts: VecDeque::new(),
        }
    }

    fn step(&mut self, shared: &Shared) {
        let Traffic {
            pay_share,
            draft_share,
            touch_share,
            ..
        } = self.traffic;
        let lot: f64 = self.rng.random();
        if lot < pay_share
            && let Some(id) = self.take_open()
        {
            let paid = (InvoiceStatus::Open, InvoiceStatus::Paid);
            report(shared.move_invoice(&Which::id(id), paid));
        } else if (pay_share..pay_share + draft_share).contains(&lot) {
            self.draft(shared);
        } else if (pay_share + draft_share..pay_share + draft_share + touch_share).contains(&lot)
            && let Some(id) = self.open.back()
        {
            report(shared.touch_invoice(&Which::id(*id)));
        } else {
            let new = self.invoice();
            let made = report(shared.create_invoice(&new, InvoiceStatus::Open));
            self.remember(made);
        }
    }

    /// Makes a draft, and posts the oldest once a few have gathered.
    fn draft(&mut self, shared: &Shared) {
        let new = self.invoice();
        self.drafts
            .extend(report(shared.create_invoice(&new, InvoiceStatus::Draft)));
        if self.drafts.len() > 3
            && let Some(oldest) = self.drafts.pop_front()
        {
            let posted = report(shared.post_invoice(&Which::id(oldest)));
            self.remember(posted);
        }
    }

    fn remember(&mut self, id: Option<Uuid>) {
        self.open.extend(id);
        if self.open.len() > REMEMBERED {
            self.open.pop_front();
        }
    }

    /// One of the older half, so that a payment seldom overtakes its invoice's card.
    fn take_open(&mut self) -> Option<Uuid> {
        let half = self.open.len() / 2;
        if half == 0 {
            return None;
        }
        self.open.remove(self.rng.random_range(0..half))
    }

    fn invoice(&mut self) -> NewInvoice {
        let code = self.rng.random_range(1..=self.traffic.purchasers.max(1));
        let cents: u32 = self.rng.random_range(1_000..5_000_000);
        NewInvoice {
            company: self.traffic.company.clone(),
            purchaser: Some(format!("P{code:02}")),
            amount: Some(f64::from(cents) / 100.0),
            lines: Some(self.rng.random_range(1..=3)),
            ..NewInvoice::default()
        }
    }
}

/// The record id; a refusal, which only a concurrent verb can cause, is logged.
fn report(
    made: Result<crate::business_central::Posted, crate::business_central::VerbError>,
) -> Option<Uuid> {
    made.inspect_err(|error| tracing::debug!(%error, "a step of the traffic was refused"))
        .ok()
        .map(|posted| posted.id)
}
