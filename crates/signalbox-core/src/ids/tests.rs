use uuid::Uuid;

use super::{EffectKey, JobId, MAX_BYTES, document_scope};
use crate::{CompanyAddress, ConnectionName, RouteName};

fn route() -> RouteName {
    RouteName::new("posted-invoices").unwrap()
}

#[test]
fn a_read_id_names_connection_environment_company_set_and_record() {
    let connection = ConnectionName::new("erp").unwrap();
    let id = JobId::business_central(&connection, "Production", Uuid::nil(), "vendors", "7");
    let expected = "bc/erp/Production/00000000-0000-0000-0000-000000000000/vendors/7";
    assert_eq!(id.as_str(), expected);
}

#[test]
fn a_slash_in_a_document_number_does_not_make_a_segment() {
    let scope = document_scope("Production", Uuid::nil());
    let key = EffectKey::post(&route(), &scope, "INV/7", "Open");
    assert!(key.as_str().contains("/INV%2F7/Open"), "{key}");
    assert_ne!(key, EffectKey::post(&route(), &scope, "INV", "7/Open"));
}

#[test]
fn long_ids_stay_short_readable_and_different() {
    let long = |last: &str| JobId::new(["post", &"x".repeat(400), last]);
    assert_eq!(long("a").as_str().len(), MAX_BYTES);
    assert!(long("a").as_str().starts_with("post/xxx"));
    assert_ne!(long("a"), long("b"));
}

#[test]
fn an_id_of_digits_keeps_its_leading_zeros() {
    assert_eq!(JobId::new(["000000905"]).as_str(), "000000905");
}

#[test]
fn a_tick_and_its_work_are_named_by_route_and_instant_in_utc() {
    let route = RouteName::new("posted-invoices").unwrap();
    let at = "2026-03-29T03:00:00+02:00".parse().unwrap();
    let tick = JobId::tick(&route, at, false);
    assert_eq!(
        tick.as_str(),
        "schedule/posted-invoices/2026-03-29T01:00:00Z"
    );
    let asked = JobId::tick(&route, at, true);
    assert_eq!(
        asked.as_str(),
        "schedule/posted-invoices/2026-03-29T01:00:00Z/asked"
    );
    let company = CompanyAddress {
        connection: ConnectionName::new("erp").unwrap(),
        environment: "Production".to_owned(),
        company: Uuid::nil(),
    };
    assert_eq!(
        JobId::of_tick(&tick, &company, "items").as_str(),
        "catch_up/erp/Production/00000000-0000-0000-0000-000000000000/items/\
         schedule/posted-invoices/2026-03-29T01:00:00Z"
    );
}
