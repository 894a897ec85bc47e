//! The marker that lets us find our own card again: a UUID made from the effect's key, and a short form for people.

use std::fmt;

use uuid::Uuid;

use crate::EffectKey;

/// The namespace of all markers. It is part of every card ever posted and never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_5a52_9c0e_4b6f_8a31_5e5f_73b0_c2d4);
/// What every marker in a card begins with, so that a look-back can tell our cards from others.
const PREFIX: &str = "signalbox-";

/// The marker of one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Marker(Uuid);

impl Marker {
    /// The marker of `effect`: equal keys have equal markers.
    pub fn of(effect: &EffectKey) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, effect.as_str().as_bytes()))
    }

    /// A short reference that a person can read out, six characters.
    pub fn reference(&self) -> String {
        let text = self.0.simple().to_string();
        text[..6].to_ascii_uppercase()
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0.simple())
    }
}

/// What a stretch of posted messages says about a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkerScanner {
    marker: Marker,
    /// The marker itself was seen.
    pub found: bool,
    /// Some marker of ours was seen, so cards come back from this system with their markers intact.
    pub any_of_ours: bool,
}

impl MarkerScanner {
    /// Looks for `marker`.
    pub fn new(marker: Marker) -> Self {
        Self {
            marker,
            found: false,
            any_of_ours: false,
        }
    }

    /// Looks through the text of one posted card.
    pub fn scan(&mut self, card: &str) {
        self.any_of_ours |= card.contains(PREFIX);
        self.found |= card.contains(&self.marker.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::{Marker, MarkerScanner};
    use crate::EffectKey;

    #[test]
    fn a_scanner_tells_our_card_from_anothers_and_from_strangers() {
        let wanted = Marker::of(&EffectKey::from_stored("post/a"));
        let other = Marker::of(&EffectKey::from_stored("post/b"));
        let mut scanner = MarkerScanner::new(wanted);
        scanner.scan("{\"type\":\"AdaptiveCard\"}");
        assert!(!scanner.any_of_ours && !scanner.found);
        scanner.scan(&format!("{{\"id\":\"{other}\"}}"));
        assert!(scanner.any_of_ours && !scanner.found);
        scanner.scan(&format!("{{\"id\":\"{wanted}\"}}"));
        assert!(scanner.found);
    }
}
