//! What the schema says of single settings. Whole files are held against it in the tests of the documents.

use serde_json::{Value, json};

use super::schema;

fn at(schema: &Value, path: &str) -> Value {
    let pointer = path.replace('.', "/properties/");
    let found = schema.pointer(&format!("/properties/{pointer}"));
    found.unwrap_or_else(|| panic!("`{path}`")).clone()
}

#[test]
fn a_setting_has_its_comment_its_default_and_what_it_can_be() {
    let schema = schema();
    let durability = at(&schema, "redis.durability");
    let words = json!(["fsync", "replicated", "everysec", "none"]);
    assert_eq!(durability["enum"], words);
    assert_eq!(durability["default"], "fsync");
    let about = durability["description"].as_str().unwrap();
    assert!(
        about.starts_with("How safe an acknowledged job is"),
        "{about}"
    );
    assert!(about.ends_with("checked at start-up."), "{about}");
    assert_eq!(at(&schema, "redis.partitions")["minimum"], 1);
    assert_eq!(at(&schema, "flood_limit")["minimum"], 0);
    assert_eq!(at(&schema, "time_scale")["exclusiveMinimum"], 0);
    assert_eq!(at(&schema, "observe.trace_sample")["minimum"], 0);
    let memory = at(&schema, "redis.memory_mib");
    assert_eq!(
        (&memory["default"], &memory["examples"]),
        (&Value::Null, &json!([2048]))
    );
    let queues = at(&schema, "worker.queues");
    assert_eq!(
        queues["items"]["enum"],
        json!(["read", "post", "renew", "catch_up"])
    );
    assert_eq!(at(&schema, "worker.concurrency.read")["type"], "integer");
}

#[test]
fn settings_that_share_a_comment_are_all_explained_and_no_comment_goes_too_far() {
    let schema = schema();
    let dead = at(&schema, "ledger.dead_days")["description"].clone();
    assert_eq!(at(&schema, "ledger.dead_mib")["description"], dead);
    let held = at(&schema, "ledger.held_mib")["description"].clone();
    assert!(
        held.as_str().unwrap().starts_with("How many posts"),
        "{held}"
    );
}

#[test]
fn what_has_no_default_is_required_and_what_has_one_is_not() {
    let schema = schema();
    let route = &at(&schema, "routes")["additionalProperties"];
    assert_eq!(route["required"], json!(["from", "to"]));
    let once = &route["properties"]["once"];
    assert_eq!(once["examples"], json!(["record.status"]));
    let credential = &at(&schema, "credentials")["additionalProperties"];
    let required = json!(["client_id", "client_secret", "tenant_id"]);
    assert_eq!(credential["required"], required);
    let kinds = &at(&schema, "connections")["additionalProperties"]["oneOf"];
    assert_eq!(kinds[0]["properties"]["kind"]["const"], "business-central");
    assert_eq!(kinds[1]["required"], json!(["credential", "kind"]));
    assert_eq!(at(&schema, "defaults.teams")["required"], Value::Null);
}

#[test]
fn every_entity_of_a_connection_is_like_the_example_whatever_it_is_called() {
    let kinds = at(&schema(), "connections")["additionalProperties"]["oneOf"].clone();
    let entities = &kinds[0]["properties"]["entities"];
    let each = &entities["additionalProperties"];
    assert_eq!(entities["properties"], Value::Null);
    assert_eq!(each["required"], json!(["document", "path", "select"]));
    assert_eq!(each["properties"]["lines"]["type"], "object");
    let about = each["properties"]["serial"]["description"].as_str();
    assert!(
        about.unwrap().starts_with("The field that numbers"),
        "{about:?}"
    );
}

#[test]
fn a_secret_is_written_as_the_reader_takes_it() {
    let ways = at(&schema(), "redis.password")["oneOf"].clone();
    let ways: Vec<&str> = ways.as_array().unwrap()[1..]
        .iter()
        .map(|way| way["required"][0].as_str().unwrap())
        .collect();
    assert!(ways.contains(&"env") && ways.contains(&"file"), "{ways:?}");
    assert!(!ways.contains(&"command"), "{ways:?}");
}
