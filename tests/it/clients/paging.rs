//! Pages that are too much for the service: the same place in the listing, asked for with half the records.

use std::time::Duration;

use signalbox_core::Record;
use signalbox_microsoft::{Errand, Error, Listing};
use signalbox_sim::{Fault, FaultKind, NewInvoice, Target};

use super::{
    COMPANY, Rig,
    canned::{Answer, Canned, ok, whole},
    purchase_invoices,
};

/// Reads to the end as a job does, and makes pages smaller whenever that is asked for.
async fn read_halving(listing: &mut Listing) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    loop {
        match listing.next(Errand::default()).await {
            Ok(Some(page)) => records.extend(page),
            Ok(None) => return Ok(records),
            Err(error) if error.asks_to_split() && listing.halve() => {}
            Err(error) => return Err(error),
        }
    }
}

/// A server that answers pages of up to `most` records, and `status` for larger ones.
fn overtaxed(most: u32, status: &'static str) -> Answer {
    Box::new(move |head| {
        let size = head.split("odata.maxpagesize=").nth(1);
        let digits = size.and_then(|rest| rest.split_whitespace().next());
        let size: Option<u32> = digits.and_then(|digits| digits.parse().ok());
        if size.is_some_and(|size| size <= most) {
            ok(r#"{"value":[{"number":"1"}]}"#)
        } else {
            whole(status, "", "")
        }
    })
}

#[tokio::test]
async fn a_page_that_takes_the_service_too_long_is_asked_for_with_half_its_records() {
    let rig = Rig::start().await;
    for status in [
        "408 Request Timeout",
        "504 Gateway Timeout",
        "413 Too Large",
    ] {
        let canned = Canned::start(vec![overtaxed(3, status)]).await;
        let client = rig.business_central_at(&canned.url, "Production");
        let mut listing = client.changed(&purchase_invoices(), COMPANY, None, 20);
        let records = read_halving(&mut listing).await.unwrap();
        assert_eq!(
            (records.len(), listing.page_size()),
            (1, Some(2)),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_page_of_one_record_that_takes_too_long_is_the_end_of_it() {
    let rig = Rig::start().await;
    let canned = Canned::start(vec![overtaxed(0, "504 Gateway Timeout")]).await;
    let client = rig.business_central_at(&canned.url, "Production");
    let mut listing = client.changed(&purchase_invoices(), COMPANY, None, 5);
    let error = read_halving(&mut listing).await.unwrap_err();
    assert_eq!(error.status(), Some(504));
    assert_eq!(listing.page_size(), Some(1));
}

#[tokio::test]
async fn a_listing_that_times_out_in_the_middle_goes_on_there_with_smaller_pages() {
    let rig = Rig::impatient(Duration::from_secs(1)).await;
    rig.sim
        .seed_purchase_invoices(&NewInvoice::default(), 20, 1)
        .unwrap();
    let never = FaultKind::Slow(Duration::from_secs(3600));
    rig.sim
        .add_fault(Fault::on("bc.read", never).after(1).times(2));
    let client = rig.business_central();
    let mut listing = client.changed(&purchase_invoices(), COMPANY, None, 8);
    let records = read_halving(&mut listing).await.unwrap();
    let numbers = records.iter().map(|record| record["number"].to_string());
    let numbers: std::collections::BTreeSet<String> = numbers.collect();
    assert_eq!((records.len(), numbers.len()), (20, 20));
    // One of eight, two that were never answered, and six of two, unless the machine is slower still.
    assert!(listing.page_size() <= Some(2), "{listing:?}");
    assert!(rig.asked(Target::BcRead) >= 9);
}
