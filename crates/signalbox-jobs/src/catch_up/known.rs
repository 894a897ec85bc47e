//! The ids of a set as they are kept in Redis between two sweeps: 16 bytes for an id and the document's number.
//!
//! They lie in portions that are compared and replaced one by one, so that a crash leaves each portion as it was or as
//! it shall be, and none is large.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// The register of known ids: one portion per `{connection}/{environment}/{company id}/{set}/{number}`.
pub(super) const KNOWN_IDS: &str = "known_ids";

/// Portions of every set: 16,000 ids in each, about half a megabyte, if there are a million.
pub(super) const PORTIONS: u8 = 64;

const ID: u8 = 0;
const TEXT: u8 = 1;

/// What a record is addressed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Id(Uuid),
    Text(Box<str>),
}

/// The documents of one portion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Portion(pub(super) BTreeMap<Key, Box<str>>);

impl Key {
    pub(super) fn new(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Text(text.into()), Self::Id)
    }

    /// The number of its portion, always the same.
    pub(super) fn portion(&self) -> u8 {
        let bytes = match self {
            Self::Id(id) => id.as_bytes().as_slice(),
            Self::Text(text) => text.as_bytes(),
        };
        let mixed = bytes
            .iter()
            .fold(0_u8, |mixed, byte| mixed.rotate_left(3) ^ byte);
        mixed % PORTIONS
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Portion {
    fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 28);
        for (key, document) in &self.0 {
            match key {
                Key::Id(id) => {
                    bytes.push(ID);
                    bytes.extend_from_slice(id.as_bytes());
                }
                Key::Text(text) => {
                    bytes.push(TEXT);
                    write_text(&mut bytes, text);
                }
            }
            write_text(&mut bytes, document);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut portion = Self::default();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            let key = match *kind {
                ID => {
                    let (id, after) = rest.split_first_chunk()?;
                    rest = after;
                    Key::Id(Uuid::from_bytes(*id))
                }
                TEXT => Key::Text(read_text(&mut rest)?.into()),
                _ => return None,
            };
            portion.0.insert(key, read_text(&mut rest)?.into());
        }
        Some(portion)
    }
}

/// Its length in two bytes, and the text; no number or key in Business Central is nearly as long.
fn write_text(bytes: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let length = u16::try_from(end).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&text.as_bytes()[..end]);
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk()?;
    let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

impl Serialize for Portion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(self.write()))
    }
}

impl<'de> Deserialize<'de> for Portion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        Self::read(&bytes).ok_or_else(|| D::Error::custom("these are no known ids"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::{Key, PORTIONS, Portion};

    #[test]
    fn ids_texts_and_numbers_are_read_back_as_they_were() {
        let id = "5d115c9c-44e3-ea11-bb43-000d3a2feca1";
        let portion = Portion(
            [
                (Key::new(id), "PPI-108001".into()),
                (Key::new("Größe 1/2"), "".into()),
            ]
            .into(),
        );
        let text = serde_json::to_string(&portion).unwrap();
        assert_eq!(serde_json::from_str::<Portion>(&text).unwrap(), portion);
        assert_eq!(Key::new(id).to_string(), id);
    }

    #[test]
    fn an_id_takes_little_more_than_its_sixteen_bytes() {
        let ids = (0..1000_u128).map(|number| (Key::Id(Uuid::from_u128(number)), "103201".into()));
        let text = serde_json::to_string(&Portion(ids.collect())).unwrap();
        assert!(text.len() < 1000 * 35, "{}", text.len());
    }

    #[test]
    fn what_was_cut_off_is_not_read() {
        assert!(serde_json::from_str::<Portion>("\"AAAA\"").is_err());
    }

    #[test]
    fn ids_that_count_up_are_spread_over_all_portions() {
        let portions: BTreeSet<u8> = (0..5000_u128)
            .map(|number| Key::Id(Uuid::from_u128(number)).portion())
            .collect();
        assert_eq!(portions.len(), usize::from(PORTIONS));
    }
}
