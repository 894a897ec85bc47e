//! Reading a posted card as a person does.

use serde_json::Value;
use signalbox_sim::Effect;

/// The card's first line.
pub fn title(effect: &Effect) -> String {
    card(effect)["body"][0]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The value beside `name` in the card's facts.
pub fn fact(effect: &Effect, name: &str) -> Option<String> {
    let body = card(effect)["body"].as_array()?;
    let facts = body
        .iter()
        .filter_map(|block| block["facts"].as_array())
        .flatten();
    let mut named = facts
        .filter(|fact| fact["title"] == name)
        .map(|fact| &fact["value"]);
    named.next()?.as_str().map(str::to_owned)
}

/// Where the card's button leads.
pub fn link(effect: &Effect) -> Option<String> {
    card(effect)["actions"][0]["url"]
        .as_str()
        .map(str::to_owned)
}

fn card(effect: &Effect) -> &Value {
    effect.card.as_ref().unwrap_or(&Value::Null)
}
