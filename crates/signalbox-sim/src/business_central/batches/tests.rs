use super::*;
use crate::clock;

fn subscription(kinds: &[(u128, ChangeType)]) -> Subscription {
    let start = clock::now();
    let change = |(index, (record, kind)): (u64, &(u128, ChangeType))| Change {
        record: Uuid::from_u128(*record),
        kind: *kind,
        at: clock::later(start, Duration::from_millis(index)),
        expectation: None,
    };
    Subscription {
        id: "a".into(),
        url: "http://hook/".into(),
        resource: "api/v2.0/companies(c)/purchaseInvoices".into(),
        company: Uuid::nil(),
        set: "purchaseInvoices".into(),
        client_state: String::new(),
        expires: start,
        created: start,
        modified: start,
        version: 1,
        pending: (0..).zip(kinds).map(change).collect(),
        withheld: Vec::new(),
    }
}

fn kinds(subscription: &Subscription, threshold: usize) -> Vec<ChangeType> {
    elements(subscription, threshold)
        .iter()
        .map(|element| element.change_type)
        .collect()
}

#[test]
fn consecutive_updates_merge_and_other_changes_do_not() {
    use ChangeType::{Created, Deleted, Updated};
    let pending = [
        (1, Created),
        (1, Updated),
        (2, Updated),
        (1, Updated),
        (1, Deleted),
        (1, Deleted),
    ];
    let merged = kinds(&subscription(&pending), 1_000);
    assert_eq!(
        merged,
        [Created, Updated, Updated, Deleted, Deleted]
            .map(|kind| kind)
            .to_vec()
    );
}

#[test]
fn above_the_threshold_one_collection_is_sent() {
    let pending: Vec<_> = (0..5).map(|record| (record, ChangeType::Updated)).collect();
    let mut subscription = subscription(&pending);
    assert_eq!(kinds(&subscription, 5).len(), 5);
    let element = elements(&subscription, 4).remove(0);
    assert!(
        element
            .resource
            .contains("purchaseInvoices?$filter=lastModifiedDateTime%20gt%20")
    );
    subscription.pending[2].kind = ChangeType::Deleted;
    let element = elements(&subscription, 4).remove(0);
    assert!(
        element.resource.ends_with("/purchaseInvoices"),
        "a deletion leaves the bare set"
    );
}

#[test]
fn an_element_has_exactly_six_members() {
    let subscription = subscription(&[(1, ChangeType::Created)]);
    let element = serde_json::to_value(&elements(&subscription, 10)[0]).unwrap();
    let names: Vec<&str> = element
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names.len(), 6);
    assert!(
        element["resource"]
            .as_str()
            .unwrap()
            .starts_with("api/v2.0/companies(")
    );
}
