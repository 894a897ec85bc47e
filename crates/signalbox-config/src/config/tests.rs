//! What a configuration means, and what is said about one that is wrong.

mod network;
mod secrets;
mod traces;

use std::{collections::BTreeSet, time::Duration};

use signalbox_core::{ConnectionName, Misfire, RouteName, Schedule};

use super::{Config, DEFAULTS, general, reading::fields_of};
use crate::{
    Companies, Company, Concurrency, ConfigError, Data, Durability, EntityLines, EntityPath,
    Environment, Http, Ingress, Ledger, Observe, OnUnknown, RedisLocation, Route, RouteSource,
    RouteTarget, Trail, Worker, business_central::BusinessCentralSection,
    credential::CredentialSection, entity::EntitySection, redis::RedisSection, teams::TeamsSection,
    vault::SecretsSection,
};

/// The example of the design, word for word.
const DESIGN: &str = r#"
[credentials.contoso]
tenant_id = "…"
client_id = "…"
client_secret = { env = "CONTOSO_SECRET" }

[connections.erp]
kind = "business-central"
credential = "contoso"
environment = "Production"
company = "CRONUS USA, Inc."

[connections.teams]
kind = "teams"
credential = "contoso"
via = "bot"                      # bot | workflow | graph-delegated | graph-app | activity

[routes.posted-invoices]
from = { connection = "erp", entity = "purchaseInvoices" }
when = "record.status in ['Open', 'Paid']"
once = "record.status"
to = { connection = "teams", team = "Finance", channel = "Approvals", card = "purchase-invoice" }
mention = ["purchaser"]
"#;

fn nothing() -> Environment {
    Environment::default()
}

fn variables(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_variables(pairs.iter().copied())
}

fn load(text: &str) -> Config {
    Config::from_toml(text, &nothing()).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads `text` after the design's example and expects exactly this one problem.
fn check(text: &str, expected: &str) {
    check_in(&nothing(), &format!("{text}\n{DESIGN}"), expected);
}

fn check_in(env: &Environment, text: &str, expected: &str) {
    let error = Config::from_toml(text, env).expect_err(text);
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems, [expected], "{text}");
}

/// The default file with every setting that has no default switched on.
fn complete() -> String {
    let lines = DEFAULTS.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_defaults_alone_are_a_configuration() {
    let config = load("");
    assert_eq!(config.redis.location, RedisLocation::Embedded);
    assert_eq!(config.redis.durability, Durability::Fsync);
    assert_eq!(config.flood_limit, 200);
    assert_eq!(config.worker.lease, Duration::from_secs(10));
    assert_eq!(config.ledger.keep, Duration::from_secs(400 * 86_400));
    assert!(config.routes.is_empty());
}

#[test]
fn the_example_of_the_design_is_a_configuration() {
    let config = load(DESIGN);
    let erp = ConnectionName::new("erp").unwrap();
    let connection = config.business_central(&erp).unwrap();
    let company = Company::Name("CRONUS USA, Inc.".to_owned());
    assert_eq!(connection.companies, Companies::Named(vec![company]));
    assert_eq!(connection.environments, ["Production"]);
    assert_eq!(connection.max_in_flight.get(), 4);
    assert_eq!(connection.request_timeout, Duration::from_secs(30));
    let api = "https://api.businesscentral.dynamics.com";
    assert_eq!(connection.api_url.as_str(), api);
    let teams = config
        .teams(&ConnectionName::new("teams").unwrap())
        .unwrap();
    assert_eq!(teams.bot_app_id, "…");
    assert_eq!(teams.visibility_delay, Duration::from_secs(10));
    let route = &config.routes[&RouteName::new("posted-invoices").unwrap()];
    assert_eq!(route.on_unknown, OnUnknown::Post);
    assert!(route.enabled);
}

#[test]
fn every_setting_of_the_default_file_is_known_and_every_known_setting_is_in_the_file() {
    let text = complete();
    load(&text);
    let table: toml::Table = toml::from_str(&text).unwrap();
    let keys = |paths: &[&str]| -> BTreeSet<String> {
        let tables = paths.iter().map(|path| {
            let table = path
                .split('/')
                .try_fold(&table, |t, p| t.get(p)?.as_table());
            table.unwrap_or_else(|| panic!("the default file has no `{path}`"))
        });
        tables.flat_map(|table| table.keys().cloned()).collect()
    };
    let same = |paths: &[&str], fields: &[&str]| {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        assert_eq!(keys(paths), fields, "{paths:?}");
    };
    same(&["data"], fields_of::<Data>());
    same(&["http"], fields_of::<Http>());
    same(&["ingress"], fields_of::<Ingress>());
    same(&["ledger"], fields_of::<Ledger>());
    same(&["observe"], fields_of::<Observe>());
    same(&["secrets"], fields_of::<SecretsSection>());
    same(&["trail"], fields_of::<Trail>());
    same(&["redis"], fields_of::<RedisSection>());
    same(&["worker"], fields_of::<Worker>());
    same(&["worker/concurrency"], fields_of::<Concurrency>());
    same(&["credentials/contoso"], fields_of::<CredentialSection>());
    let erp = ["connections/erp", "defaults/business-central"];
    let sections = fields_of::<BusinessCentralSection>().iter().copied();
    // These two stand in the place of `environment` and `company`, and are explained there.
    let (several, single): (Vec<&str>, Vec<&str>) =
        sections.partition(|key| ["companies", "environments"].contains(key));
    let explained = |key: &&str| DEFAULTS.contains(&format!("`{key} = ["));
    assert!(several.iter().all(explained), "{several:?}");
    same(&erp, &single);
    let own = "connections/erp/entities/vendorLedgerEntries";
    same(&[own], fields_of::<EntitySection>());
    same(&[&format!("{own}/lines")], fields_of::<EntityLines>());
    let teams = ["connections/teams", "defaults/teams"];
    same(&teams, fields_of::<TeamsSection>());
    let route = ["routes/posted-invoices", "defaults/route"];
    same(&route, fields_of::<Route>());
    same(&["routes/posted-invoices/from"], fields_of::<RouteSource>());
    same(&["routes/posted-invoices/to"], fields_of::<RouteTarget>());
    same(
        &["routes/posted-invoices/schedule"],
        fields_of::<Schedule>(),
    );
    let general = fields_of::<general::General>().iter();
    let top: BTreeSet<&str> = general.chain(&general::SECTIONS).copied().collect();
    assert_eq!(
        table.keys().map(String::as_str).collect::<BTreeSet<&str>>(),
        top
    );
}

#[test]
fn every_setting_of_the_default_file_is_explained() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        if line.is_empty() || line.starts_with('[') || line.starts_with("#[") {
            explained = false;
        } else if line.starts_with("# ") {
            explained = true;
        } else if !line.starts_with('#') && !line.contains("concurrency") {
            let setting = line.split(" = ").next().unwrap();
            let counted = ["post", "renew", "catch_up"].contains(&setting);
            assert!(explained || counted, "`{setting}` has no comment above it");
        }
    }
}

#[test]
fn the_page_about_the_configuration_names_every_section() {
    let page = include_str!("../../../../docs/config.md");
    for section in general::SECTIONS {
        assert!(page.contains(&format!("[{section}")), "`{section}`");
    }
}

#[test]
fn a_variable_overrides_the_file_and_the_file_the_defaults() {
    let text = format!("[redis]\nnamespace = \"file\"\npartitions = 4\n{DESIGN}");
    let env = variables(&[
        ("SIGNALBOX__REDIS__NAMESPACE", "7"),
        ("SIGNALBOX__WORKER__QUEUES", "[\"read\"]"),
        ("SIGNALBOX__CONNECTIONS__ERP__MAX_IN_FLIGHT", "2"),
        ("SIGNALBOX__ROUTES__POSTED_INVOICES__ENABLED", "false"),
        (
            "SIGNALBOX__INGRESS__PUBLIC_URL",
            "https://hooks.example.com/",
        ),
        ("UNRELATED", "x"),
    ]);
    let config = Config::from_toml(&text, &env).unwrap();
    assert_eq!(config.redis.namespace, "7");
    assert_eq!(config.redis.partitions.get(), 4);
    assert_eq!(config.worker.queues.len(), 1);
    let erp = ConnectionName::new("erp").unwrap();
    assert_eq!(
        config.business_central(&erp).unwrap().max_in_flight.get(),
        2
    );
    assert!(!config.routes.values().next().unwrap().enabled);
    let public = config.ingress.public_url.unwrap();
    assert_eq!(public.as_str(), "https://hooks.example.com");
}

#[test]
fn a_misspelt_key_is_named_with_what_was_probably_meant() {
    check(
        "[redis]\ndurabilty = \"none\"",
        "`redis.durabilty` (from signalbox.toml) is not a setting; did you mean `durability`?",
    );
    check(
        "time_scales = 2",
        "`time_scales` (from signalbox.toml) is not a setting; did you mean `time_scale`?",
    );
    check(
        "[rediss]\nurl = \"embedded\"",
        "`rediss` (from signalbox.toml) is not a setting; did you mean `redis`?",
    );
    check(
        "[defaults.teams]\nmax_card_byte = 1",
        "`defaults.teams.max_card_byte` (from signalbox.toml) is not a setting; did you mean `max_card_bytes`?",
    );
    check_in(
        &variables(&[("SIGNALBOX__REDIS__NAMESPCE", "x")]),
        "",
        "`redis.namespce` (from the environment variable `SIGNALBOX__REDIS__NAMESPCE`) is not a setting; did you mean `namespace`?",
    );
}

#[test]
fn a_wrong_value_is_told_with_its_key_reason_and_fix() {
    check(
        "[redis]\ndurability = \"fsink\"",
        "`redis.durability` (`fsink`, from signalbox.toml) is none of the words it can be; did you mean `fsync`?",
    );
    check(
        "[worker]\nattempts = 0",
        "`worker.attempts` (`0`, from signalbox.toml) is of the wrong kind; write a whole number above zero",
    );
    check(
        "[defaults.teams]\nmax_card_bytes = \"big\"",
        "`defaults.teams.max_card_bytes` (`big`, from signalbox.toml) is of the wrong kind; write a whole number above zero",
    );
    check(
        "[ingress]\nbind = \"8080\"",
        "`ingress.bind` (`8080`, from signalbox.toml) is no address; write an address and a port, such as `127.0.0.1:8080`",
    );
    check(
        "time_scale = 0.0",
        "`time_scale` (`0.0`, from signalbox.toml) stops or breaks time; write a number above 0 and up to 1000, usually 1.0",
    );
    check_in(
        &variables(&[("SIGNALBOX__OBSERVE__LOG_FORMAT", "xml")]),
        "",
        "`observe.log_format` (`xml`, from the environment variable `SIGNALBOX__OBSERVE__LOG_FORMAT`) is none of the words it can be; it can be `text`, `json`",
    );
}

#[test]
fn parts_that_do_not_fit_together_are_told() {
    let route = |from: &str, to: &str| {
        format!(
            "[routes.other]\nfrom = {{ connection = \"{from}\", entity = \"e\" }}\nto = {{ connection = \"{to}\", team = \"t\", channel = \"c\", card = \"k\" }}"
        )
    };
    check(
        &route("epr", "teams"),
        "`routes.other.from.connection` (`epr`, from signalbox.toml) names no connection; did you mean `erp`?",
    );
    check(
        &route("erp", "erp"),
        "`routes.other.to.connection` (`erp`, from signalbox.toml) is of kind `business-central`; name a connection of kind `teams`",
    );
    check(
        "[connections.x]\nkind = \"teams\"\ncredential = \"contso\"",
        "`connections.x.credential` (`contso`, from signalbox.toml) names no credential; did you mean `contoso`?",
    );
    check(
        "[connections.x]\nkind = \"torii\"",
        "`connections.x.kind` (`torii`, from signalbox.toml) is not available yet; it can be `business-central`, `teams`",
    );
    check(
        "[redis]\ndurability = \"replicated\"",
        "`redis.durability` (`replicated`, from signalbox.toml) needs replicas, and the embedded Redis has none; write `fsync`, or name a replicated Redis in `redis.url`",
    );
    check(
        "[redis]\nurl = \"redis+cluster://one:1,two:2\"",
        "`redis.durability` (`fsync`, from the defaults) loses acknowledged jobs when a replica is promoted; write `replicated`",
    );
    check(
        "[redis]\nurl = \"redis://one\"\nca_file = \"ca.pem\"",
        "`redis.ca_file` (`ca.pem`, from signalbox.toml) is for TLS, which `redis.url` does not ask for; let `redis.url` begin with `rediss`, or remove it",
    );
    check(
        &format!(
            "{}\n{}",
            route("erp", "teams"),
            route("erp", "teams").replace("other", "twin")
        ),
        "`routes.twin` (from signalbox.toml) announces what `routes.other` announces, in the same channel; remove one of them",
    );
    check(
        "cloud = \"china\"",
        "`connections.teams.service_url` is missing, and this cloud has no documented one; add the Bot Connector's address, which incoming messages of your bot carry as `serviceUrl`",
    );
}

#[test]
fn an_entity_set_of_an_extension_or_a_web_service_is_read() {
    let config = load(&format!(
        "{DESIGN}\n[connections.erp.entities.vendorLedgerEntries]\npath = \"api/contoso/finance/v1.0/vendorLedgerEntries\"\n\
         document = \"entryNumber\"\nserial = \"entryNumber\"\nselect = [\"vendorNumber\"]\n\
         [connections.erp.entities.chart]\npath = \"ODataV4/Chart_of_Accounts\"\nkey = \"No\"\ndocument = \"No\"\n\
         select = [\"Name\"]"
    ));
    let erp = ConnectionName::new("erp").unwrap();
    let entities = &config.business_central(&erp).unwrap().entities;
    let entries = &entities["vendorLedgerEntries"];
    let path = EntityPath::Api("contoso/finance/v1.0".to_owned());
    assert_eq!((&entries.path, entries.key.as_str()), (&path, "id"));
    let path = EntityPath::WebService("Chart_of_Accounts".to_owned());
    assert_eq!(entities["chart"].path, path);
}

#[test]
fn an_entity_set_that_cannot_be_read_is_told_with_key_reason_and_fix() {
    let set = |more: &str| {
        format!("[connections.erp.entities.things]\ndocument = \"no\"\nselect = [\"a\"]\n{more}")
    };
    // The table of the connection itself follows in the example, which TOML allows.
    check(
        &set("path = \"api/contoso/things\""),
        "`connections.erp.entities.things.path` (`api/contoso/things`, from signalbox.toml) is no path of an entity set; write `api/PUBLISHER/GROUP/VERSION/SET` or `ODataV4/SERVICE`, without the company",
    );
    check(
        &set("path = \"api/contoso/finance/v1.0/others\""),
        "`connections.erp.entities.things.path` (`api/contoso/finance/v1.0/others`, from signalbox.toml) ends in another name than its table has; call the table as the path ends, because notifications do",
    );
    check(
        &set("path = \"ODataV4/Things\""),
        "`connections.erp.entities.things.key` is missing, and web services have no `id`; name the field that a record is addressed by, for example `key = \"No\"`",
    );
    check(
        &set("path = \"ODataV4/Things\"\nkey = \"No\"\nmodifed = \"x\""),
        "`connections.erp.entities.things.modifed` (from signalbox.toml) is not a setting; did you mean `modified`?",
    );
    check(
        &set("path = \"ODataV4/Things\"\nkey = \"No\"").replace("[\"a\"]", "[]"),
        "`connections.erp.entities.things.select` (`[]`, from signalbox.toml) names no field; list the fields that are read, as [\"number\"]",
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let text = "flood = 1\n[redis]\nurl = \"x\"\n[ledger]\nkeep_days = -1";
    let error = Config::from_toml(text, &nothing()).unwrap_err();
    let keys: Vec<&str> = error.problems().iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["flood", "redis.url", "ledger.keep_days"]);
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line_and_without_its_text() {
    let error = Config::from_toml("[redis]\npassword = \"hunter2", &nothing()).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, ConfigError::Syntax { line: 2, .. }),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_file_that_was_asked_for_and_is_missing_is_an_error_and_the_usual_one_is_not() {
    let path = std::path::Path::new("elsewhere.toml");
    let error = Config::load(Some(path), &nothing()).unwrap_err();
    assert!(error.to_string().contains("elsewhere.toml"));
    assert!(Config::load(None, &nothing()).is_ok());
    let env = nothing().with_file("signalbox.toml", "flood_limit = 3");
    assert_eq!(Config::load(None, &env).unwrap().flood_limit, 3);
}

#[test]
fn what_is_shown_is_complete_and_is_a_configuration_again() {
    let shown = load(DESIGN).redacted_toml();
    assert!(shown.contains("visibility_delay_secs = 10"), "{shown}");
    assert!(!shown.contains("[defaults"), "{shown}");
    assert_eq!(load(&shown).redacted_toml(), shown);
}

#[test]
fn time_can_run_fast() {
    let config = load(&format!("time_scale = 0.1\n{DESIGN}"));
    let teams = ConnectionName::new("teams").unwrap();
    let delay = config.teams(&teams).unwrap().visibility_delay;
    assert_eq!(delay, Duration::from_secs(1));
    assert_eq!(config.worker.backoff_least, Duration::from_millis(100));
    assert_eq!(config.worker.lease, Duration::from_secs(10));
}

/// The design's example with `more` under its route.
fn scheduled(more: &str) -> String {
    format!("{DESIGN}\n[routes.posted-invoices.schedule]\n{more}")
}

#[test]
fn a_route_can_have_a_schedule_on_the_clock_of_a_place() {
    let text = "cron = \"0 7 * * MON-FRI\"\ntime_zone = \"Europe/Berlin\"\nmisfire = \"last\"\noverlap = \"skip\"";
    let config = load(&scheduled(text));
    let route = &config.routes[&RouteName::new("posted-invoices").unwrap()];
    let schedule = route.schedule.as_ref().unwrap();
    assert_eq!(schedule.ticks(), "0 7 * * MON-FRI Europe/Berlin");
    assert_eq!(schedule.misfire, Misfire::Last);
}

#[test]
fn what_is_wrong_with_a_schedule_is_said_with_what_to_write() {
    let usual = [
        ("cron", "0 7 * * *"),
        ("time_zone", "UTC"),
        ("misfire", "last"),
        ("overlap", "skip"),
    ];
    for (key, value, expected) in [
        (
            "cron",
            "0 7 31 2 *",
            "never comes; name a day that the month has",
        ),
        (
            "time_zone",
            "Berlin",
            "is no time zone; write a name of the IANA list, such as `Europe/Berlin` or `UTC`",
        ),
        (
            "misfire",
            "all",
            "makes ticks at the same moment, and `overlap = \"skip\"` passes over all but the first of them; write \
             `misfire = \"last\"` or `overlap = \"allow\"`",
        ),
    ] {
        let lines = usual.map(|(name, usual)| {
            let value = if name == key { value } else { usual };
            format!("{name} = \"{value}\"\n")
        });
        let key = format!("`routes.posted-invoices.schedule.{key}`");
        let expected = format!("{key} (`{value}`, from signalbox.toml) {expected}");
        check_in(&nothing(), &scheduled(&lines.concat()), &expected);
    }
}

#[test]
fn a_mention_that_is_no_role_and_no_address_is_told_with_the_roles() {
    let text = DESIGN.replace("[\"purchaser\"]", "[\"jo@contoso.example\", \"boss\"]");
    let error = Config::from_toml(&text, &nothing()).unwrap_err();
    let told = error.to_string();
    for word in [
        "mention",
        "boss",
        "employee",
        "purchaser",
        "salesperson",
        "vendor-contact",
    ] {
        assert!(told.contains(word), "{told}");
    }
}
