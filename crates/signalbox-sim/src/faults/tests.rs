use super::*;

fn request(target: &str) -> Candidate<'_> {
    Candidate {
        target,
        lane: "bot/app/19:a",
        path: "/bot/v3/conversations",
        read_write: false,
    }
}

fn fired(fault: &str, rounds: usize) -> Vec<bool> {
    let faults = Faults::default();
    faults.add(serde_json::from_str(fault).unwrap());
    (0..rounds)
        .map(|_| faults.take(request("bot.post")).is_some())
        .collect()
}

#[test]
fn a_fault_fires_for_the_first_n_after_a_few_that_pass() {
    let fault = r#"{"target":"bot.post","kind":"reset","times":2,"after":1}"#;
    assert_eq!(fired(fault, 5), [false, true, true, false, false]);
}

#[test]
fn a_fault_fires_for_every_kth() {
    let fault = r#"{"target":"bot","kind":"status","code":503,"every":3}"#;
    assert_eq!(fired(fault, 6), [false, false, true, false, false, true]);
}

#[test]
fn a_burst_befalls_so_many_in_a_row() {
    let fault = r#"{"target":"bot","kind":"throttle","every":4,"burst":2}"#;
    let rounds = [false, false, false, true, true, false, false, true, true];
    assert_eq!(fired(fault, 9), rounds);
    let twice = r#"{"target":"bot","kind":"throttle","times":2,"burst":2,"after":1}"#;
    assert_eq!(fired(twice, 6), [false, true, true, true, true, false]);
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let fault = r#"{"target":"*","kind":"throttle","probability":0.5,"seed":7}"#;
    assert_eq!(fired(fault, 20), fired(fault, 20));
    assert!(fired(fault, 20).contains(&true) && fired(fault, 20).contains(&false));
}

#[test]
fn a_fault_can_be_confined_to_one_channel() {
    let faults = Faults::default();
    faults.add(Fault::on("bot.post", FaultKind::Reset).only("19:b"));
    assert_eq!(faults.take(request("bot.post")), None);
}

#[test]
fn the_wire_form_comes_back_unchanged() {
    let fault = Fault::on("bot.post", FaultKind::Throttle(RetryAfter::HttpDate(3)))
        .times(2)
        .in_bursts_of(5);
    let text = serde_json::to_string(&fault).unwrap();
    assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
}

#[test]
fn a_fault_that_lacks_a_member_is_refused() {
    let answer = serde_json::from_str::<Fault>(r#"{"target":"bot.post","kind":"slow"}"#);
    assert!(answer.unwrap_err().to_string().contains("needs `ms`"));
}
