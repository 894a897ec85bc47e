use signalbox_config::{Config, Environment};
use signalbox_core::RouteName;
use signalbox_microsoft::Api;

use super::{Route, Routes};
use crate::Cards;

const CONNECTIONS: &str = r#"
[credentials.contoso]
tenant_id = "t"
client_id = "c"
client_secret = { env = "SECRET" }
[connections.erp]
kind = "business-central"
credential = "contoso"
environment = "Production"
company = "CRONUS"
[connections.erp.entities.chart]
path = "ODataV4/Chart_of_Accounts"
key = "No"
document = "No"
select = ["Name"]
[connections.erp.entities.vendorLedgerEntries]
path = "api/contoso/finance/v1.0/vendorLedgerEntries"
document = "entryNumber"
serial = "entryNumber"
select = ["vendorNumber"]
[connections.teams]
kind = "teams"
credential = "contoso"
"#;

fn compile(entity: &str, more: &str) -> Result<Routes, super::RouteError> {
    let route = format!(
        "[routes.r]\nfrom = {{ connection = \"erp\", entity = \"{entity}\" }}\n\
         to = {{ connection = \"teams\", team = \"t\", channel = \"c\" }}\n{more}"
    );
    let text = format!("{CONNECTIONS}{route}");
    let config = Config::from_toml(&text, &Environment::default()).unwrap();
    Routes::compile(&config, &Cards::shipped().unwrap())
}

fn route(routes: &Routes) -> &Route {
    routes.get(&RouteName::new("r").unwrap()).unwrap()
}

fn once(entity: &str, record: &str) -> (String, String) {
    let routes = compile(entity, "").unwrap();
    let route = route(&routes);
    let record = serde_json::from_str(record).unwrap();
    (route.once.text_for(&record).unwrap(), route.card.clone())
}

#[test]
fn a_route_announces_what_its_entity_says_with_the_entitys_card() {
    for (entity, record, expected, card) in [
        (
            "purchaseOrders",
            r#"{"status":"In Review"}"#,
            "In Review",
            "purchase-order",
        ),
        (
            "salesInvoices",
            r#"{"status":"Open","stage":"Released"}"#,
            "Released",
            "sales-invoice",
        ),
        ("vendors", "{}", "no", "vendor"),
        ("vendors", r#"{"blocked":"Payment"}"#, "Payment", "vendor"),
        ("items", r#"{"blocked":true}"#, "yes", "item"),
        ("accounts", r#"{"blocked":false}"#, "no", "account"),
        ("employees", r#"{"status":"Active"}"#, "Active", "employee"),
        (
            "generalLedgerEntries",
            "{}",
            "posted",
            "general-ledger-entry",
        ),
        ("vendorLedgerEntries", "{}", "added", "record"),
    ] {
        let expected = (expected.to_owned(), card.to_owned());
        assert_eq!(once(entity, record), expected, "{entity}");
    }
}

#[test]
fn a_route_may_say_something_else_once() {
    let routes = compile("vendors", "once = \"record.city\"").unwrap();
    let record = serde_json::from_str(r#"{"city":"Oslo"}"#).unwrap();
    assert_eq!(route(&routes).once.text_for(&record).unwrap(), "Oslo");
}

#[test]
fn an_entity_of_the_configuration_is_where_its_path_says() {
    let routes = compile("chart", "once = \"record.Name\"").unwrap();
    let service = "Chart_of_Accounts".to_owned();
    assert_eq!(route(&routes).entity.api, Api::WebService { service });
    let routes = compile("vendorLedgerEntries", "").unwrap();
    let resource = route(&routes).entity.webhook_resource();
    let expected = "contoso/finance/v1.0/vendorLedgerEntries";
    assert_eq!(resource.as_deref(), Some(expected));
}

fn refused(entity: &str) -> String {
    let error = compile(entity, "").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    format!("{error}: {cause}")
}

#[test]
fn an_entity_that_does_not_exist_is_refused_with_those_that_do() {
    let error = refused("vendorz");
    for part in [
        "`routes.r.from.entity`",
        "`vendorz`",
        "`vendors`",
        "`chart`",
        "[connections.erp.entities.vendorz]",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_route_to_an_entity_that_says_nothing_once_must_say_it_itself() {
    let error = refused("chart");
    for part in ["`routes.r.once`", "[connections.erp.entities.chart]"] {
        assert!(error.contains(part), "{error}");
    }
}
