use jiff::Timestamp;
use signalbox_config::{Companies, Company};
use signalbox_core::{CompanyAddress, ConnectionName, KnownCompany};
use signalbox_microsoft::Company as Listed;
use uuid::Uuid;

use super::{Found, follow};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn listed(number: u128, name: &str) -> Listed {
    Listed {
        id: id(number),
        name: name.to_owned(),
        display_name: String::new(),
    }
}

fn known(number: u128, name: &str) -> KnownCompany {
    KnownCompany {
        address: CompanyAddress {
            connection: ConnectionName::new("erp").unwrap(),
            environment: "Production".to_owned(),
            company: id(number),
        },
        name: name.to_owned(),
        configured: Some(name.to_owned()),
        since: Timestamp::UNIX_EPOCH,
        left: None,
    }
}

fn named(names: &[&str]) -> Companies {
    let names = names.iter().map(|name| Company::from((*name).to_owned()));
    Companies::Named(names.collect())
}

fn followed(found: &Found) -> Vec<Uuid> {
    found.named.iter().map(|one| one.id).collect()
}

#[test]
fn a_renamed_company_goes_on_by_its_id_and_the_new_name_is_told() {
    let found = follow(&named(&["A"]), &[listed(1, "B")], &[known(1, "A")]);
    assert_eq!(followed(&found), [id(1)]);
    assert!(found.left.is_empty());
    assert!(found.tellings[0].text.contains("write `B`"));
}

#[test]
fn a_name_that_stands_for_another_company_leads_to_that_one() {
    let before = [known(1, "A")];
    for others in [&[][..], &[listed(1, "A old")]] {
        let all = [&[listed(2, "A")], others].concat();
        let found = follow(&named(&["A"]), &all, &before);
        assert_eq!(followed(&found), [id(2)]);
        assert!(found.left[&id(1)].reason.contains("stands for the company"));
        assert!(found.tellings[0].needs_a_person);
    }
}

#[test]
fn one_that_is_gone_keeps_no_other_from_being_followed() {
    let before = [known(1, "A"), known(2, "B")];
    let found = follow(&named(&["A", "B"]), &[listed(2, "B")], &before);
    assert_eq!(followed(&found), [id(2)]);
    assert!(!found.left[&id(1)].is_dismissed);
    assert!(found.error.is_some());
}

#[test]
fn one_that_the_configuration_does_not_name_any_more_is_dismissed() {
    let all = [listed(1, "A"), listed(2, "B")];
    let found = follow(&named(&["B"]), &all, &[known(1, "A"), known(2, "B")]);
    assert_eq!(followed(&found), [id(2)]);
    assert!(found.left[&id(1)].is_dismissed);
}

#[test]
fn one_that_is_named_twice_is_followed_once() {
    let all = [listed(1, "A")];
    let found = follow(&named(&["A", &id(1).to_string()]), &all, &[]);
    assert_eq!(followed(&found), [id(1)]);
}

#[test]
fn where_all_are_meant_and_none_is_seen_the_connection_is_at_fault() {
    let found = follow(&Companies::All, &[], &[known(1, "A")]);
    assert!(found.named.is_empty() && found.error.is_some());
}
