use signalbox_core::JobId;

use super::{LONGEST, PayloadError, PayloadKey, PayloadKeys, pack, read};

fn id() -> JobId {
    JobId::new(["a"])
}

fn key(name: &str, byte: u8) -> PayloadKey {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    PayloadKey::new(name, &STANDARD.encode([byte; 32])).unwrap()
}

fn json(fields: usize) -> String {
    let fields: Vec<String> = (0..fields)
        .map(|n| format!(r#""number-{n}":"PI-{}""#, n * 7919))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// Stores and reads `json`; returns what is stored.
fn there_and_back(keys: &PayloadKeys, json: &str) -> Vec<u8> {
    let packed = pack(json.to_owned()).unwrap();
    let stored = keys.seal(&id(), &packed).unwrap().into_owned();
    assert_eq!(read(keys, &id(), &stored).unwrap(), json);
    stored
}

#[test]
fn short_payloads_stay_as_they_are_and_long_ones_are_packed() {
    let keys = PayloadKeys::default();
    assert_eq!(there_and_back(&keys, &json(3)), json(3).as_bytes());
    assert_eq!(there_and_back(&keys, ""), b"");
    let long = json(1000);
    let stored = there_and_back(&keys, &long);
    assert!(
        stored.len() * 2 < long.len(),
        "{} of {}",
        stored.len(),
        long.len()
    );
}

#[test]
fn a_payload_over_the_limit_is_refused_with_its_length() {
    let most = "x".repeat(LONGEST);
    there_and_back(&PayloadKeys::default(), &most);
    let error = pack(format!("{most}x")).unwrap_err().to_string();
    assert!(
        error.contains("65537") && error.contains("65536"),
        "{error}"
    );
}

#[test]
fn a_sealed_payload_shows_nothing_and_is_never_sealed_the_same_way_twice() {
    let keys = PayloadKeys::new([key("a", 1)]);
    let stored = there_and_back(&keys, &json(3));
    assert_ne!(stored, there_and_back(&keys, &json(3)));
    assert!(!stored.windows(6).any(|bytes| bytes == b"number"));
    there_and_back(&keys, &json(1000));
}

#[test]
fn a_new_key_seals_while_the_old_one_still_opens() {
    let old = PayloadKeys::new([key("a", 1)]);
    let stored = there_and_back(&old, "{}");
    let both = PayloadKeys::new([key("b", 2), key("a", 1)]);
    assert_eq!(read(&both, &id(), &stored).unwrap(), "{}");
    let new = there_and_back(&both, "{}");
    let only = PayloadKeys::new([key("b", 2)]);
    assert_eq!(read(&only, &id(), &new).unwrap(), "{}");
    let error = read(&only, &id(), &stored).unwrap_err();
    assert!(matches!(&error, PayloadError::UnknownKey { id } if id == "a"));
    assert_eq!(error.waits_with().as_deref(), Some("payload-key/a"));
}

#[test]
fn a_payload_of_another_job_or_with_another_key_of_the_same_name_does_not_open() {
    let keys = PayloadKeys::new([key("a", 1)]);
    let stored = there_and_back(&keys, "{}");
    let moved = read(&keys, &JobId::new(["b"]), &stored);
    assert!(matches!(moved, Err(PayloadError::WrongKey { .. })));
    let other = PayloadKeys::new([key("a", 9)]);
    assert!(matches!(
        read(&other, &id(), &stored),
        Err(PayloadError::WrongKey { .. })
    ));
    assert!(read(&keys, &id(), b"e").is_err());
}

#[test]
fn what_is_no_key_is_refused() {
    for text in ["", "c2hvcnQ=", "not base64!"] {
        assert!(PayloadKey::new("a", text).is_err(), "{text}");
    }
    let shown = format!("{:?}", key("a", 1));
    assert_eq!(shown, "PayloadKey(a)");
}
