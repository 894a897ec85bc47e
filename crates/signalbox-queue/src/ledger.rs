//! The ledger: what became of each effect. Intent before the request, receipt after it.
//!
//! An attempt that dies between the two leaves an intent behind. Whoever finds it is told `InFlight` while that
//! attempt's lease lives and `Unknown` afterwards, and has to look into the outside before it may take the intent
//! over. Entries end by age only.

use jiff::Timestamp;
use signalbox_core::{EffectKey, LaneName};

use crate::{Lease, Queue, QueueError, Token, reference, scripts};

/// Effects entered by one script.
const MOST_PER_SCRIPT: usize = 1000;

/// What an attempt is told when it declares an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// The intent is ours: the request may be sent.
    Fresh,
    /// Another attempt is at it and alive.
    InFlight {
        /// When it declared the effect.
        since: Timestamp,
    },
    /// Another attempt declared it and is gone: it may or may not have happened.
    Unknown {
        /// When it declared the effect.
        since: Timestamp,
        /// The token to take the intent over with, once the outside was asked.
        token: Token,
    },
    /// It happened, and this is the receipt.
    Confirmed {
        /// What the sink answered.
        receipt: String,
    },
    /// It was known before the route began.
    Baseline,
}

/// What the ledger holds about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectState {
    /// Nothing.
    Fresh,
    /// Declared, without a receipt.
    Intended,
    /// Done.
    Confirmed,
    /// Known from before.
    Baseline,
}

impl Queue {
    /// Declares `effect` under `lease`, before its request is sent.
    ///
    /// `looked_into` is the token of an unknown intent for which the outside was asked and knew nothing.
    pub async fn intend(
        &self,
        lease: &Lease,
        effect: &EffectKey,
        looked_into: Option<&Token>,
    ) -> Result<Intent, QueueError> {
        let partition = self.home_of(lease);
        let mut call = partition.call(&scripts::INTEND_EFFECT);
        call.arg(reference::of_effect(effect))
            .arg(&*lease.reference)
            .arg(lease.token.as_str())
            .arg(looked_into.map_or("", Token::as_str));
        let answer: Vec<String> = partition.invoke(&call).await?;
        read_intent(&answer)
    }

    /// Enters the receipt of `effect`. True if it was not confirmed before.
    pub async fn confirm(
        &self,
        lease: &Lease,
        effect: &EffectKey,
        receipt: &str,
    ) -> Result<bool, QueueError> {
        let partition = self.home_of(lease);
        let mut call = partition.call(&scripts::CONFIRM_EFFECT);
        call.arg(reference::of_effect(effect)).arg(receipt);
        partition.invoke(&call).await
    }

    /// Takes the intent back after an answer that proves that nothing was done.
    pub async fn withdraw(&self, lease: &Lease, effect: &EffectKey) -> Result<bool, QueueError> {
        let partition = self.home_of(lease);
        let mut call = partition.call(&scripts::WITHDRAW_EFFECT);
        call.arg(reference::of_effect(effect))
            .arg(lease.token.as_str());
        partition.invoke(&call).await
    }

    /// Enters effects of the lanes under `root` as known from before. Returns how many were new to the ledger.
    pub async fn baseline(
        &self,
        root: &LaneName,
        effects: &[EffectKey],
    ) -> Result<usize, QueueError> {
        let partition = self.partition_of(root);
        let mut fresh = 0;
        for chunk in effects.chunks(MOST_PER_SCRIPT) {
            let mut call = partition.call(&scripts::BASELINE_EFFECTS);
            for effect in chunk {
                call.arg(reference::of_effect(effect));
            }
            fresh += partition.invoke::<usize>(&call).await?;
        }
        Ok(fresh)
    }

    /// What the ledger holds about effects of the lanes under `root`, in order.
    pub async fn effect_states(
        &self,
        root: &LaneName,
        effects: &[EffectKey],
    ) -> Result<Vec<EffectState>, QueueError> {
        let partition = self.partition_of(root);
        let mut states = Vec::with_capacity(effects.len());
        for chunk in effects.chunks(MOST_PER_SCRIPT) {
            let mut call = partition.call(&scripts::EFFECT_STATES);
            for effect in chunk {
                call.arg(reference::of_effect(effect));
            }
            let found: Vec<String> = partition.invoke(&call).await?;
            states.extend(found.iter().map(|letter| read_state(letter)));
        }
        Ok(states)
    }
}

fn read_state(letter: &str) -> EffectState {
    match letter {
        "c" => EffectState::Confirmed,
        "b" => EffectState::Baseline,
        "i" => EffectState::Intended,
        _ => EffectState::Fresh,
    }
}

fn read_intent(answer: &[String]) -> Result<Intent, QueueError> {
    let text = |index: usize| answer.get(index).cloned().unwrap_or_default();
    let since = || instant(&text(1));
    match text(0).as_str() {
        "fresh" => Ok(Intent::Fresh),
        "in_flight" => Ok(Intent::InFlight { since: since() }),
        "unknown" => Ok(Intent::Unknown {
            since: since(),
            token: text(2).into(),
        }),
        "confirmed" => Ok(Intent::Confirmed { receipt: text(2) }),
        "baseline" => Ok(Intent::Baseline),
        _ => Err(QueueError::LeaseLost),
    }
}

/// An instant that a script wrote, in milliseconds.
pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse()
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
