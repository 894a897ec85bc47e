//! A subscription to one entity set, as the ingress and the renewals share it.
//!
//! The clientState is the only proof that a notification is genuine. Only its digest is kept, so that what lies in
//! Redis cannot be used to forge one.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{CompanyAddress, ConnectionName};

/// The register that holds a [`Subscription`] per `{connection}/{key}`.
pub const SUBSCRIPTIONS: &str = "subscriptions";

/// SHA-256 of a clientState.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientStateDigest(Vec<u8>);

impl ClientStateDigest {
    /// The digest of `client_state`.
    pub fn of(client_state: &str) -> Self {
        Self(Sha256::digest(client_state.as_bytes()).to_vec())
    }

    /// The bytes, for a comparison in constant time.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ClientStateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientStateDigest(…)")
    }
}

/// The clientStates with which a notification may come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientStates {
    /// Stored durably before the request that hands it over, because the first notification may be faster
    /// than the answer.
    pub pending: Option<ClientStateDigest>,
    /// Handed over.
    pub current: Option<ClientStateDigest>,
    /// Handed over before that; notifications with it may be under way.
    pub previous: Option<ClientStateDigest>,
}

impl ClientStates {
    /// After the source took the pending one over.
    pub fn promote(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.previous = self.current.replace(pending);
        }
    }

    /// All that may come.
    pub fn all(&self) -> impl Iterator<Item = &ClientStateDigest> {
        [&self.pending, &self.current, &self.previous]
            .into_iter()
            .flatten()
    }
}

/// Why the last attempt to make or renew a subscription came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionFailure {
    /// When.
    pub at: Timestamp,
    /// What was answered, and what to do about it.
    pub cause: String,
}

/// That a set is looked at again and again because there is no subscription to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollsInstead {
    /// Since when.
    pub since: Timestamp,
    /// Why there is no subscription, and what to do about it.
    pub reason: String,
    /// When a subscription is asked for again, if the last request for one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The connection.
    pub connection: ConnectionName,
    /// The last segment of the subscription's own URL, random, so that one bad answer harms one subscription.
    pub key: String,
    /// The environment. Subscriptions of older releases name none, and mean the connection's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The company's id.
    pub company: Uuid,
    /// The entity set.
    pub set: String,
    /// The source's id for it, once known.
    pub id: Option<String>,
    /// The clientStates with which a notification may come.
    pub client_states: ClientStates,
    /// When the source forgets it.
    pub expires_at: Option<Timestamp>,
    /// Everything changed before this instant has been looked at.
    pub caught_up_at: Timestamp,
    /// When it was last made or renewed. Older releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_renewed: Option<Timestamp>,
    /// Why it was not made or renewed when that was last tried; `None` after a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<SubscriptionFailure>,
    /// When a notification last came, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notified: Option<Timestamp>,
    /// That and why its set is polled instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls_instead: Option<PollsInstead>,
}

impl Subscription {
    /// One that the source does not know yet. What changes from `since` on is caught up with once it does.
    pub fn begun(at: &CompanyAddress, set: &str, key: String, since: Timestamp) -> Self {
        Self {
            connection: at.connection.clone(),
            key,
            environment: Some(at.environment.clone()),
            company: at.company,
            set: set.to_owned(),
            id: None,
            client_states: ClientStates::default(),
            expires_at: None,
            caught_up_at: since,
            last_renewed: None,
            last_failure: None,
            last_notified: None,
            polls_instead: None,
        }
    }

    /// Whether the source notifies by it, as far as is known.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.id.is_some() && self.expires_at.is_some_and(|expires| expires > now)
    }

    /// Its name in the register.
    pub fn name(connection: &ConnectionName, key: &str) -> String {
        format!("{connection}/{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientStateDigest, ClientStates};

    #[test]
    fn a_clientstate_stays_valid_for_one_rotation_after_the_next_was_handed_over() {
        let digest = |text| Some(ClientStateDigest::of(text));
        let mut states = ClientStates {
            pending: digest("b"),
            current: digest("a"),
            previous: digest("z"),
        };
        states.promote();
        let expected = ClientStates {
            pending: None,
            current: digest("b"),
            previous: digest("a"),
        };
        assert_eq!(states, expected);
        states.promote();
        assert_eq!(
            states, expected,
            "promoting without a pending one changed something"
        );
    }
}
