//! Enum members as Business Central writes them: `_xHHHH_` for whatever is not a letter, a digit or an underscore.
//!
//! Source: facts, Business Central §3, "Enum values are XML-name-encoded on the wire".

/// A member's name as people know it: `In_x0020_Review` is `In Review`, `_x0020_` is a space.
///
/// Text that is not encoded stays as it is, because samples and some services show it decoded.
pub fn decode_name(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((unit, after)) = escape(rest) {
            units.push(unit);
            rest = after;
        } else {
            units.extend_from_slice(first.encode_utf16(&mut [0; 2]));
            rest = &rest[first.len_utf8()..];
        }
    }
    String::from_utf16_lossy(&units)
}

/// A member's name as it goes into a filter.
pub fn encode_name(name: &str) -> String {
    name.chars().map(encoded).collect()
}

fn encoded(character: char) -> String {
    if character.is_alphanumeric() || character == '_' {
        return character.to_string();
    }
    let mut buffer = [0; 2];
    let units = character.encode_utf16(&mut buffer).iter();
    let escapes: Vec<String> = units.map(|unit| format!("_x{unit:04X}_")).collect();
    escapes.concat()
}

/// The UTF-16 unit that `text` begins with in encoded form, and what follows it.
fn escape(text: &str) -> Option<(u16, &str)> {
    let digits = text.strip_prefix("_x")?.get(..4)?;
    let rest = text.get(6..)?.strip_prefix('_')?;
    // `from_str_radix` would also take a sign.
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let unit = hex.then(|| u16::from_str_radix(digits, 16).ok())??;
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::{decode_name, encode_name};

    fn check(wire: &str, name: &str) {
        assert_eq!(decode_name(wire), name);
        assert_eq!(encode_name(name), wire);
    }

    #[test]
    fn names_survive_the_wire() {
        check("Open", "Open");
        check("_x0020_", " ");
        check("In_x0020_Review", "In Review");
        check("Begin_x002D_Total", "Begin-Total");
        check("G_x002F_L_x0020_Account", "G/L Account");
        check("Zurück_x0020_gestellt", "Zurück gestellt");
        check("_xD83D__xDE00_", "😀");
    }

    #[test]
    fn decoded_text_and_near_escapes_stay_as_they_are() {
        for text in [
            "In Review",
            "_x00",
            "_x00ZZ_",
            "_x+123_",
            "a_x0020",
            "_é_",
            "_x",
        ] {
            assert_eq!(decode_name(text), text);
        }
    }
}
