//! A `traceparent` in less than half its length: 25 bytes in place of 55 characters, on every job that waits.
//!
//! What is not in the form that W3C Trace Context gives it is kept as it came.

/// The only version there is; another one is kept as text.
const VERSION: &str = "00-";
/// Digits of trace id, parent id and flags.
const PARTS: [usize; 3] = [32, 16, 2];
const PACKED: usize = 25;

/// `text` as it is stored.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let parts: Vec<&str> = text.strip_prefix(VERSION)?.split('-').collect();
    if parts.iter().map(|part| part.len()).ne(PARTS) {
        return None;
    }
    let digits = parts.concat();
    let is_lower = |c: &u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if !digits.as_bytes().iter().all(is_lower) {
        return None;
    }
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// What was stored, as text again. Nothing if there was none.
pub(crate) fn unpack(stored: &[u8]) -> Option<String> {
    if stored.is_empty() {
        return None;
    }
    if stored.len() != PACKED {
        return Some(String::from_utf8_lossy(stored).into_owned());
    }
    let digits = stored.iter().flat_map(|byte| {
        let pair = [byte >> 4, byte & 15];
        pair.map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'))
    });
    Some(parted(digits))
}

/// What was packed, and told digit by digit.
pub(crate) fn unpack_digits(digits: &str) -> Option<String> {
    (digits.len() == 2 * PACKED).then(|| parted(digits.chars()))
}

fn parted(mut digits: impl Iterator<Item = char>) -> String {
    let parts = PARTS.map(|length| digits.by_ref().take(length).collect::<String>());
    format!("{VERSION}{}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::{PACKED, pack, unpack, unpack_digits};

    #[test]
    fn a_traceparent_is_read_back_as_it_came() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(pack(text).len(), PACKED);
        assert_eq!(unpack(&pack(text)).as_deref(), Some(text));
        let digits = "4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b701";
        assert_eq!(unpack_digits(digits).as_deref(), Some(text));
    }

    #[test]
    fn what_has_another_form_is_kept_as_it_came() {
        for text in [
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "x",
            "a-b",
        ] {
            assert_eq!(unpack(&pack(text)).as_deref(), Some(text));
        }
        assert_eq!(unpack(&pack("")), None);
    }
}
