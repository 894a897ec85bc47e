use jiff::Timestamp;
use signalbox_core::{JobId, Step, StepWord};
use signalbox_queue::{Unspoken, protocol::Verb};

use super::of_unspoken;

const READ: &str = r#"{"connection":"erp","company":"00000000-0000-0000-0000-000000000007",
    "set":"purchaseInvoices","record":"r-7","changed_at":"2026-03-01T10:00:00Z","deleted":false}"#;

fn told(queue: &str, payload: Option<&str>, verb: Verb) -> Option<Step> {
    let unspoken = Unspoken {
        id: JobId::new(["a"]),
        queue: queue.to_owned(),
        payload: payload.map(str::to_owned),
        verb,
        reason: "the handler panicked".to_owned(),
    };
    of_unspoken(Timestamp::UNIX_EPOCH, unspoken)
}

#[test]
fn a_read_that_never_spoke_is_told_of_its_record_whose_document_nobody_knows_yet() {
    let step = told("read", Some(READ), Verb::Dead).unwrap();
    assert_eq!((step.word, step.document), (StepWord::Dead, None));
    assert_eq!(step.record.unwrap().record, "r-7");
    assert_eq!(step.detail, "the handler panicked");
}

#[test]
fn an_attempt_that_is_made_again_is_told_of_documents_only() {
    let again = || Verb::Retry(Timestamp::UNIX_EPOCH);
    let step = told("read", Some(READ), again()).unwrap();
    assert_eq!(step.word, StepWord::Waits);
    assert_eq!(told("renew", None, again()), None);
}

#[test]
fn a_dead_job_is_told_of_whatever_it_carries() {
    for (queue, payload) in [("read", None), ("read", Some("{}")), ("later/3", Some("x"))] {
        let step = told(queue, payload, Verb::Dead).unwrap();
        assert_eq!((step.word, step.record), (StepWord::Dead, None), "{queue}");
    }
}
