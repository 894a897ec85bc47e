use jiff::{SignedDuration, Timestamp};
use signalbox_core::{JobId, LaneName};
use signalbox_microsoft::{EntraError, Error, Outage};

use super::{IN_A_ROW, Outages, what};

fn root() -> LaneName {
    LaneName::new(["bc", "contoso", "host", "Production"])
}

fn job(number: u32) -> JobId {
    JobId::new([number.to_string().as_str()])
}

/// An upstream that failed `times` times like this, each time for another job.
fn failed(outage: Outage, times: u32) -> Outages {
    let outages = Outages::default();
    for number in 0..times {
        outages.failed(&root(), &job(number), "it has answered 503", outage);
    }
    outages
}

fn is_out_of_order(outages: &Outages) -> bool {
    outages.fault(&root(), "a 503").is_some()
}

#[test]
fn a_run_of_failures_is_an_outage_and_one_fewer_is_none() {
    for outage in [Outage::General, Outage::Particular] {
        assert!(!is_out_of_order(&failed(outage, IN_A_ROW - 1)));
        assert!(is_out_of_order(&failed(outage, IN_A_ROW)));
    }
    assert!(is_out_of_order(&failed(Outage::Announced, 1)));
}

#[test]
fn an_answer_in_between_begins_the_count_anew() {
    let outages = failed(Outage::General, IN_A_ROW - 1);
    assert!(!outages.answered(&root(), false), "nothing was broken");
    for number in 0..IN_A_ROW - 1 {
        outages.failed(
            &root(),
            &job(number),
            "it has answered 503",
            Outage::General,
        );
    }
    assert!(!is_out_of_order(&outages));
}

#[test]
fn one_job_that_the_upstream_cannot_cope_with_is_no_outage_however_often_it_fails() {
    let often = |outage| {
        let outages = Outages::default();
        for _ in 0..IN_A_ROW * 4 {
            outages.failed(&root(), &job(1), "it has answered 500", outage);
        }
        is_out_of_order(&outages)
    };
    assert!(!often(Outage::Particular));
    assert!(often(Outage::General));
}

#[test]
fn the_cause_says_what_happened_how_often_and_what_to_do() {
    let fault = failed(Outage::General, 6)
        .fault(&root(), "GET host")
        .unwrap();
    let said = "it has answered 503 6 times in a row; the last time: GET host";
    assert_eq!(fault.cause, said);
    assert!(fault.next_action.contains("every 5 minutes"), "{fault:?}");
    assert!(fault.next_action.contains("admin center"), "{fault:?}");
    let mixed = failed(Outage::General, 4);
    mixed.failed(&root(), &job(9), "it has not answered", Outage::General);
    let fault = mixed.fault(&root(), "a timeout").unwrap();
    let said = "Business Central has failed 5 times in a row; the last time: a timeout";
    assert_eq!(fault.cause, said);
}

#[test]
fn without_a_token_it_is_microsoft_entra_that_is_named() {
    let source = EntraError::Unavailable {
        status: 503,
        retry_after: None,
    };
    let error = Error::NoToken { source };
    assert_eq!(error.outage(), Some(Outage::General));
    let said = what(&root(), &error);
    assert!(said.starts_with("Microsoft Entra"), "{said}");
}

#[test]
fn a_broken_lane_is_mended_by_the_first_answer_and_by_that_one_only() {
    let outages = failed(Outage::General, IN_A_ROW);
    assert!(outages.broke(&root(), Timestamp::UNIX_EPOCH), "it is news");
    assert!(!outages.broke(&root(), Timestamp::UNIX_EPOCH), "it is none");
    assert!(outages.answered(&root(), false));
    assert!(!outages.answered(&root(), false));
}

#[test]
fn where_no_queue_sends_probes_the_first_answer_mends_what_an_earlier_process_left() {
    let outages = Outages::default();
    assert!(outages.answered(&root(), true));
    assert!(!outages.answered(&root(), true));
}

#[test]
fn one_request_is_let_through_at_each_probe_of_a_broken_lane() {
    let outages = failed(Outage::General, IN_A_ROW);
    let at = |secs| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(secs);
    assert_eq!(outages.may_ask(&root(), at(0), at(300)), Ok(()));
    outages.broke(&root(), at(300));
    assert_eq!(outages.may_ask(&root(), at(299), at(599)), Err(at(300)));
    assert_eq!(outages.may_ask(&root(), at(300), at(600)), Ok(()));
    assert_eq!(outages.may_ask(&root(), at(301), at(601)), Err(at(600)));
}
