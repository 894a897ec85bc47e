//! URLs, links and names; what goes over HTTP is tested against the simulator.

use serde_json::json;
use signalbox_core::Record;
use uuid::Uuid;

use super::{
    BusinessCentralOptions, Company, company_by_name, entities::Entities, entity::EntitySet,
};
use crate::{http::error::Error, odata::query::with_query, service::join};

fn options() -> BusinessCentralOptions {
    BusinessCentralOptions {
        api_base: "https://api.example.com/v2.0".parse().unwrap(),
        scope: "https://api.example.com/.default".to_owned(),
        tenant: "contoso.com".to_owned(),
        environment: "Production".to_owned(),
        web_client_base: "https://client.example.com".parse().unwrap(),
    }
}

fn purchase_invoices() -> EntitySet {
    let entities = Entities::shipped(false);
    EntitySet::clone(entities.get("purchaseInvoices").unwrap())
}

fn record(number: &str, status: &str) -> Record {
    let record = json!({"number": number, "status": status});
    record.as_object().unwrap().clone()
}

fn companies() -> Vec<Company> {
    [
        ("A", "Shown"),
        ("B", "Twice"),
        ("C", "Twice"),
        ("Shown", ""),
    ]
    .map(|(name, display_name)| Company {
        id: Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()),
        name: name.to_owned(),
        display_name: display_name.to_owned(),
    })
    .to_vec()
}

#[test]
fn a_link_names_company_page_and_number_whatever_is_in_them() {
    let link = |number, status| {
        let record = record(number, status);
        super::link::web_link(
            &options(),
            &purchase_invoices(),
            "Müller & Söhne, Inc.",
            &record,
        )
        .unwrap()
        .to_string()
    };
    assert_eq!(
        link("PPI-1'2", "Open"),
        "https://client.example.com/contoso.com/Production\
         ?company=M%C3%BCller%20%26%20S%C3%B6hne,%20Inc.&page=138\
         &filter=%27No.%27%20IS%20%27PPI-1%27%272%27"
    );
    assert!(link("1", "Draft").contains("page=51&"));
}

#[test]
fn a_record_without_a_number_has_no_link() {
    let link = super::link::web_link(&options(), &purchase_invoices(), "A", &Record::new());
    assert_eq!(link, None);
}

#[test]
fn a_company_is_found_by_its_name_before_any_display_name() {
    let companies = companies();
    assert_eq!(company_by_name(&companies, "Shown").unwrap(), &companies[3]);
    assert_eq!(
        company_by_name(&companies[..3], "Shown").unwrap(),
        &companies[0]
    );
    let ambiguous = company_by_name(&companies, "Twice");
    assert!(matches!(ambiguous, Err(Error::AmbiguousName { .. })));
}

#[test]
fn an_unknown_company_is_refused_with_those_that_exist() {
    let error = company_by_name(&companies(), "D").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no company `D`; there are `A`, `B`, `C`, `Shown`"
    );
    assert!(error.is_connection_fault() && error.next_step().contains("configuration"));
}

#[test]
fn a_read_selects_on_both_levels() {
    let set = purchase_invoices();
    let url = with_query(
        join(&options().api_base, ["purchaseInvoices(1)"]),
        &[("$select", &set.selected()), ("$expand", &set.expanded())],
    );
    let query = url.query().unwrap();
    assert!(
        query.starts_with("$select=id,number,postingDate,"),
        "{query}"
    );
    assert!(
        query.contains("&$expand=purchaseInvoiceLines($select=sequence,lineType,"),
        "{query}"
    );
}
