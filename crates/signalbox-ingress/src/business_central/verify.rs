//! Whether a notification is genuine: its clientState is the only evidence there is.

use signalbox_core::{ClientStateDigest, Subscription};
use subtle::ConstantTimeEq;

use super::notification::Notification;

/// Compares with the current, the previous and the pending clientState, in constant time and without stopping early.
pub(crate) fn is_genuine(subscription: &Subscription, notification: &Notification) -> bool {
    let Some(client_state) = &notification.client_state else {
        return false;
    };
    let given = ClientStateDigest::of(client_state);
    let states = subscription.client_states.all();
    let matching = states.fold(subtle::Choice::from(0), |found, state| {
        found | state.as_bytes().ct_eq(given.as_bytes())
    });
    matching.into()
}
